import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { PROMPT } from '../../support/gateway-client.ts';
import { startProduct } from '../../support/process.ts';
import { eventually, onlySimulator, openProduct, type Product } from '../../support/product.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';

const JOBS = 60;

const startJobs = (product: Product, args: string[], env: Record<string, string> = {}) =>
  startProduct(['jobs', ...args], { ...product.env, ...env });

/** What `comfygate jobs <args>` prints, and its exit code. */
async function jobs(product: Product, args: string[]) {
  const running = startJobs(product, args);
  return { code: await running.exited, text: running.output() };
}

const line = z.looseObject({ id: z.string() });
const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((each) => each.startsWith('{'))
    .map((each) => line.parse(JSON.parse(each)));

/** How many jobs run each of these again, by their records. */
async function retriesOf({ admin, keys }: Product, ids: string[]): Promise<number[]> {
  const counts = new Map(ids.map((id) => [id, 0]));
  for (const key of await admin.keys(keys.job('*'))) {
    const old = await admin.hget(key, 'retryOf');
    if (old) counts.set(old, (counts.get(old) ?? 0) + 1);
  }
  expect([...counts.keys()].toSorted()).toEqual(ids.toSorted());
  return [...counts.values()];
}

describe('an outage that made jobs fail', { timeout: 240_000 }, () => {
  it('is retried in bulk: killed half-way and called again, each job has one retry, and all succeed', async (test) => {
    const product = await openProduct(test, { speed: 50 });
    const gateway = await product.gateway();
    // No worker: all pass their deadline.
    const accepted = await Promise.all(
      Array.from({ length: JOBS }, () => gateway.generate({ input: { deadlineSeconds: 1 } })),
    );
    const ids = accepted.map(({ id }) => id);
    const index = product.keys.failed('TIMEOUT');
    await eventually(async () => (await product.admin.zcard(index)) === JOBS, 'all have failed');

    const listed = await jobs(product, ['list', '--failed', '--code', 'TIMEOUT', '--since', '1h', '--json']);
    expect(listed.code).toBe(0);
    expect(
      linesOf(listed.text)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(ids.toSorted());
    const bulk = ['retry', '--code', 'TIMEOUT', '--since', '1h', '--json'];
    const dry = await jobs(product, [...bulk, '--dry-run']);
    expect(linesOf(dry.text).map(({ outcome }) => outcome)).toEqual(Array(JOBS).fill('would-retry'));
    expect(await product.admin.zcard(index)).toBe(JOBS);

    const wire = await startTcpProxy(product.redis.port);
    test.onTestFinished(wire.close);
    // Accepting a job names this key: what goes by at once is let through, and all that comes behind it never does.
    const begun = wire.holdRequest(':comfyui-seen');
    const broken = startJobs(product, bulk, { REDIS_URL: `redis://127.0.0.1:${wire.port}` });
    (await begun)();
    await wire.holdRequest(':comfyui-seen');
    await eventually(async () => (await product.admin.zcard(index)) < JOBS, 'some were run again');
    await broken.kill();
    const left = await product.admin.zcard(index);
    expect(left).toBeGreaterThan(0);

    const again = await jobs(product, bulk);
    expect(again).toMatchObject({ code: 0, text: expect.stringContaining(`${left} run again, 0 refused`) });
    expect(await jobs(product, bulk)).toEqual({ code: 0, text: '0 run again, 0 refused\n' });
    // By their ids too.
    const named = await jobs(product, ['retry', ...ids]);
    expect(named).toMatchObject({ code: 0, text: expect.stringContaining(`0 run again, ${JOBS} had been before`) });
    expect(await retriesOf(product, ids)).toEqual(Array(JOBS).fill(1));

    await product.worker();
    const succeeded = product.keys.jobs('anonymous', 'SUCCEEDED');
    await eventually(async () => (await product.admin.zcard(succeeded)) === JOBS, 'all have succeeded', 120_000);
    expect(onlySimulator(product).posts).toBe(JOBS);
  });
});

describe('comfygate jobs', { timeout: 120_000 }, () => {
  it('shows all of a job but secrets, and says what it cannot do', async (test) => {
    const product = await openProduct(test, {
      speed: 50,
      env: { INPUT_ORIGINS: 'http://127.0.0.1:9', JOB_ATTEMPTS: '1' },
    });
    const gateway = await product.both();
    const { job: done } = await gateway.watch((await gateway.generate()).id, { once: true }).end();
    const shown = await jobs(product, ['show', done.id, '--json']);
    expect(shown.code).toBe(0);
    expect(JSON.parse(shown.text)).toMatchObject({
      id: done.id,
      status: 'SUCCEEDED',
      caller: 'anonymous',
      backend: 'comfy1',
      attempts: 1,
      error: null,
      retriedAs: null,
      artifacts: [{ sizeBytes: done.artifacts[0]?.size, sha256: done.artifacts[0]?.sha256 }],
      events: [{ seq: 1, type: 'QUEUED' }, { type: 'STARTED' }, { type: 'SUCCEEDED' }],
      timings: expect.arrayContaining([expect.objectContaining({ classType: 'KSampler' })]),
      parameters: { prompt: expect.stringContaining(PROMPT) },
    });
    const text = (await jobs(product, ['show', done.id])).text;
    expect(text).toMatch(/^status +SUCCEEDED$/m);
    expect(text).toMatch(/KSampler/);
    expect(text).toContain(`${done.artifacts[0]?.size} bytes`);
    expect(text).not.toContain(PROMPT);

    const file = 'http://127.0.0.1:9/a.png';
    const imageToImage = { prompt: PROMPT, image: { url: `${file}?signature=secret#x` } };
    const { data } = await gateway.post(
      'mutation ($input: GenerateInput!) { generate(input: $input) { job { id } } }',
      { input: { idempotencyKey: 'file', deadlineSeconds: 30, workflow: { imageToImage } } },
    );
    const { generate } = z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) }).parse(data);
    const document = (await jobs(product, ['show', generate.job.id, '--json'])).text;
    expect(JSON.parse(document).parameters.image).toEqual({ url: `${file} (cut off)` });
    expect(document).not.toContain('signature');

    expect(await jobs(product, ['retry', done.id])).toEqual({
      code: 1,
      text: `${done.id} refused: the job is SUCCEEDED, not FAILED\n0 run again, 1 refused\n`,
    });
    await product.redis.kill();
    expect(await jobs(product, ['list', '--failed'])).toEqual({
      code: 1,
      text: expect.stringMatching(/^error: Redis cannot be reached/),
    });
    await product.redis.restart();
  });
});
