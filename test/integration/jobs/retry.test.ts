import { randomUUID } from 'node:crypto';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import type { JobCheck } from '../../../src/jobs/accept-job.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

let server: TestRedis;
let product: UseCases;

beforeAll(async () => {
  server = await startTestRedis();
  product = await openUseCases(server.url);
});
afterAll(async () => {
  await product.close();
  await server.close();
});

const retry = (id: string, idempotencyKey: string = randomUUID(), caller = 'anonymous') =>
  product.jobs.retry({ identity: callerNamed(caller), requestId: 'again', id, idempotencyKey });
const code = (expected: string, message?: string) => ({
  details: { code: expected },
  ...(message ? { message: expect.stringContaining(message) } : {}),
});

async function failed(changes: Parameters<UseCases['generate']>[0] = {}) {
  const { job } = await product.generate(changes);
  await (await product.start(job.id)).fail();
  return job;
}

describe('retryJob', () => {
  it('makes a new job of what the old one was run with, its seed included', async () => {
    const old = await failed({ priority: 'HIGH', tags: ['a', 'b'], deadlineSeconds: 7 });
    const { job, replayed } = await retry(old.id);
    expect(replayed).toBe(false);
    expect(job.id).not.toBe(old.id);
    const { workflow, template, parameters, tags, priority, order, progress } = old;
    expect(typeof parameters.seed).toBe('number');
    expect(job).toMatchObject({
      workflow,
      template,
      parameters,
      tags,
      priority,
      order,
      progress,
      status: 'QUEUED',
      retryOf: old.id,
      requestId: 'again',
    });
    expect(job.deadlineAt - job.createdAt).toBe(3_600_000);
    expect(await product.jobs.get(anonymous, job.id)).toEqual(job);
    expect(await product.gateway.positions([job.id])).not.toEqual([null]);
    // And so on.
    await product.jobs.cancel(anonymous, job.id);
    expect((await retry(job.id)).job).toMatchObject({ retryOf: job.id, parameters });
  });

  it('runs a graph of the caller’s own again', async () => {
    const graph = { '1': { class_type: 'A', inputs: {} }, '2': { class_type: 'B', inputs: { a: ['1', 0] } } };
    const old = await failed({ workflow: { name: 'custom', input: { graph, name: 'mine' } } });
    const { job } = await retry(old.id);
    expect(job).toMatchObject({ workflow: 'custom', template: null, parameters: { graph, name: 'mine' } });
    expect(job.progress.nodesTotal).toBe(2);
  });

  it('takes a job that has succeeded, failed or was canceled, and refuses one that is open', async () => {
    const { job } = await product.generate();
    const key = randomUUID();
    await expect(retry(job.id, key)).rejects.toMatchObject(code('CONFLICT', 'is QUEUED'));
    const running = await product.start(job.id);
    await expect(retry(job.id, key)).rejects.toMatchObject(code('CONFLICT', 'is RUNNING'));
    await running.succeed();
    // The refusals have not used up the key.
    const again = await retry(job.id, key);
    expect(again).toMatchObject({ replayed: false, job: { retryOf: job.id, artifacts: [], error: null } });
    await product.jobs.cancel(anonymous, again.job.id);
    expect((await retry(again.job.id)).job.retryOf).toBe(again.job.id);
  });

  it('gives one job for one key, also when the call is sent again 20 times at once', async () => {
    const [old, other] = [await failed(), await failed()];
    const made = await Promise.all(Array.from({ length: 20 }, () => retry(old.id, 'one key')));
    expect(new Set(made.map(({ job }) => job.id)).size).toBe(1);
    expect(made.filter(({ replayed }) => !replayed)).toHaveLength(1);
    const reused = { code: 'IDEMPOTENCY_KEY_REUSED', jobId: made[0]?.job.id };
    await expect(retry(other.id, 'one key')).rejects.toMatchObject({ details: reused });
    await expect(product.generate({ idempotencyKey: 'one key' })).rejects.toMatchObject({ details: reused });
    const { job } = await product.generate({ idempotencyKey: 'of generate' });
    await expect(retry(old.id, 'of generate')).rejects.toMatchObject({
      details: { code: 'IDEMPOTENCY_KEY_REUSED', jobId: job.id },
    });
  });

  it('knows no job that is gone, or another’s; a key that has made its job gives it all the same', async () => {
    await expect(retry(v7())).rejects.toMatchObject(code('NOT_FOUND'));
    const old = await failed();
    await expect(retry(old.id, randomUUID(), 'someone else')).rejects.toMatchObject(code('NOT_FOUND'));
    const { job } = await retry(old.id, 'made');
    await product.jobs.remove(anonymous, old.id);
    await expect(retry(old.id)).rejects.toMatchObject(code('NOT_FOUND'));
    expect(await retry(old.id, 'made')).toEqual({ job, replayed: true });
    await product.jobs.cancel(anonymous, job.id);
    await product.jobs.remove(anonymous, job.id);
    await expect(retry(old.id, 'made')).rejects.toMatchObject(code('NOT_FOUND', 'was deleted'));
  });

  it.each([
    ['', 'no character'],
    ['x'.repeat(256), 'too many'],
    ['a\r\nb', 'a line end'],
  ])('A33: refuses a key with %o', async (key) => {
    const issues = [expect.objectContaining({ path: ['idempotencyKey'] })];
    await expect(retry(v7(), key)).rejects.toMatchObject({ details: { code: 'BAD_USER_INPUT', issues } });
  });
});

describe('the workflow of a job that is run again', () => {
  /** As if the workflow had been changed since the job was accepted. */
  async function ofAnEarlierVersion() {
    const old = await failed();
    const text = await product.gateway.template(old.template ?? '');
    if (!text) throw new Error('the template is not there');
    await product.redis.set(product.keys.template('earlier'), text, 'PX', 60_000);
    await product.redis.hset(product.keys.job(old.id), 'template', 'earlier');
    return old;
  }

  it('is the one that it was accepted with, whatever is installed now', async () => {
    const old = await ofAnEarlierVersion();
    expect((await retry(old.id)).job.template).toBe('earlier');
    expect(await product.redis.pttl(product.keys.template('earlier'))).toBeGreaterThan(3_600_000);
  });

  it('is missed by name when it is no longer kept, and the key stays free', async () => {
    const old = await ofAnEarlierVersion();
    await product.redis.del(product.keys.template('earlier'));
    await expect(retry(old.id, 'kept')).rejects.toMatchObject(code('CONFLICT', 'textToImage is no longer kept'));
    expect((await product.generate({ idempotencyKey: 'kept' })).replayed).toBe(false);
  });

  it('is kept for as long as a record may name it, and never for a shorter time than before', async () => {
    const day = 86_400_000;
    const { job } = await product.generate({ deadlineSeconds: 86_400 });
    const key = product.keys.template(job.template ?? '');
    const left = await product.redis.pttl(key);
    // Its deadline, and the retention behind it.
    expect(left).toBeGreaterThan(2 * day - 60_000);
    await product.generate({ deadlineSeconds: 1 });
    expect(await product.redis.pttl(key)).toBeGreaterThan(left - 60_000);
    await product.redis.pexpire(key, 1_000);
    await product.generate({ deadlineSeconds: 1 });
    expect(await product.redis.pttl(key)).toBeGreaterThan(day - 60_000);
  });
});

describe('what is checked beyond a request', () => {
  it('refuses retries like new jobs, with its own path, and still replays a retry that was made', async () => {
    let issue: string | null = null;
    const check: JobCheck = async ({ parameters }, plan, path) => {
      expect(Object.keys(plan.graph)).not.toEqual([]);
      expect(parameters.prompt).toBe('a lighthouse');
      return issue === null ? [] : [{ path: [...path, 'prompt'], message: issue, code: 'not_a_choice' }];
    };
    const checking = await openUseCases(server.url, { checks: [check, check] });
    onTestFinished(checking.close);
    const { job } = await checking.generate({ idempotencyKey: 'before' });
    await (await checking.start(job.id)).fail();
    const again = (key: string) =>
      checking.jobs.retry({ identity: callerNamed('anonymous'), requestId: 'r', id: job.id, idempotencyKey: key });
    const made = await again('before, again');

    issue = 'no longer there';
    const refused = (path: string[]) => ({
      details: { code: 'BAD_USER_INPUT', issues: Array(2).fill({ path, message: issue, code: 'not_a_choice' }) },
    });
    await expect(checking.generate({ idempotencyKey: 'new' })).rejects.toMatchObject(
      refused(['input', 'workflow', 'textToImage', 'prompt']),
    );
    await expect(again('new')).rejects.toMatchObject(refused(['id', 'prompt']));
    expect(await checking.generate({ idempotencyKey: 'before' })).toMatchObject({
      replayed: true,
      job: { id: job.id },
    });
    expect(await again('before, again')).toMatchObject({ replayed: true, job: { id: made.job.id } });
    const reused = { details: { code: 'IDEMPOTENCY_KEY_REUSED' } };
    await expect(checking.generate({ idempotencyKey: 'before', tags: ['other'] })).rejects.toMatchObject(reused);
    issue = null;
    expect((await again('new')).replayed).toBe(false);
  });
});
