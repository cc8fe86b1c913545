import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import { createAudit } from '../../../src/observability/audit.ts';
import { createOutputs } from '../../../src/observability/outputs.ts';
import { createUploads } from '../../../src/uploads/create-uploads.ts';
import { testLog } from '../../support/graph-services.ts';
import { tempFolder } from '../../support/process.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases } from '../../support/use-cases.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

async function audited(options: { maxHeld?: number } = {}) {
  const folder = await tempFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'audit.log');
  const { log } = testLog();
  const audit = createAudit({ to: path, outputs: createOutputs(), log, now: () => Date.UTC(2030, 0, 31) });
  const cases = await openUseCases(redis.url, { audit, ...options });
  onTestFinished(() => cases.close());
  return {
    cases,
    audit,
    async entries() {
      await audit.flushed();
      const text = await readFile(path, 'utf8');
      return text
        .split('\n')
        .filter(Boolean)
        .map((line): unknown => JSON.parse(line));
    },
  };
}

const time = '2030-01-31T00:00:00.000Z';
const who = { time, caller: 'anonymous', requestId: 'test' };

test('each action is one entry: who, what, which job, and what became of it', async () => {
  const { cases, entries } = await audited();
  const key = v7();
  const { job } = await cases.generate({ idempotencyKey: key });
  await cases.generate({ idempotencyKey: key });
  await cases.jobs.cancel(anonymous, job.id, 'test');
  const again = await cases.jobs.retry({ identity: anonymous, requestId: 'test', id: job.id, idempotencyKey: v7() });
  await cases.jobs.remove(anonymous, job.id, 'test');
  await cases.jobs.get(anonymous, job.id);
  expect(await entries()).toEqual([
    { ...who, action: 'generate', outcome: 'accepted', jobId: job.id, workflow: 'textToImage' },
    { ...who, action: 'generate', outcome: 'replayed', jobId: job.id, workflow: 'textToImage' },
    { ...who, action: 'cancel', outcome: 'done', jobId: job.id },
    { ...who, action: 'retry', outcome: 'accepted', jobId: again.job.id, workflow: 'textToImage', retryOf: job.id },
    { ...who, action: 'delete', outcome: 'done', jobId: job.id },
  ]);
});

test('what is refused is told with its code, and nothing of what was sent', async () => {
  const { cases, entries } = await audited();
  const bad = { name: 'textToImage', input: { prompt: 'a secret lighthouse', width: -1 } };
  const key = v7();
  await expect(cases.generate({ workflow: bad })).rejects.toThrow();
  await cases.generate({ idempotencyKey: key });
  const other = { name: 'textToImage', input: { prompt: 'a secret lighthouse' } };
  await expect(cases.generate({ idempotencyKey: key, workflow: other })).rejects.toThrow();
  await expect(cases.jobs.cancel(anonymous, 'a secret\nlighthouse', 'test')).rejects.toThrow();
  const told = await entries();
  expect(told).toMatchObject([
    { ...who, action: 'generate', outcome: 'refused', code: 'BAD_USER_INPUT', workflow: 'textToImage' },
    { outcome: 'accepted' },
    { ...who, action: 'generate', outcome: 'refused', code: 'IDEMPOTENCY_KEY_REUSED' },
    { ...who, action: 'cancel', outcome: 'refused', code: 'NOT_FOUND' },
  ]);
  for (const text of ['lighthouse', key]) expect(JSON.stringify(told)).not.toContain(text);
});

test('a held answer is told when its job is accepted, and only once though the client has left', async () => {
  const { cases, entries } = await audited();
  const left = new AbortController();
  const held = cases.generate({ waitSeconds: 60, signal: left.signal }).catch((error: unknown) => error);
  await expect.poll(async () => (await entries()).length).toBe(1);
  left.abort(new Error('the client has left'));
  await held;
  expect(await entries()).toMatchObject([{ action: 'generate', outcome: 'accepted' }]);
});

test('a call that may not wait since too many do is refused before it makes a job', async () => {
  const { cases, entries } = await audited({ maxHeld: 0 });
  await expect(cases.generate({ waitSeconds: 1, deadlineSeconds: -1 })).rejects.toMatchObject({
    details: { code: 'BAD_USER_INPUT' },
  });
  await expect(cases.generate({ waitSeconds: 1 })).rejects.toMatchObject({ details: { code: 'LIMIT_EXCEEDED' } });
  expect(await entries()).toEqual([
    { ...who, action: 'generate', outcome: 'refused', code: 'BAD_USER_INPUT', workflow: 'textToImage' },
    { ...who, action: 'generate', outcome: 'refused', code: 'LIMIT_EXCEEDED', workflow: 'textToImage' },
  ]);
  expect(await cases.redis.zcard(cases.keys.open)).toBe(0);
});

test('a call hides no other one that has its request id and its key', async () => {
  const { cases, entries } = await audited();
  const left = new AbortController();
  const key = v7();
  const held = cases.generate({ idempotencyKey: key, waitSeconds: 60, signal: left.signal }).catch(() => undefined);
  await expect.poll(async () => (await entries()).length).toBe(1);
  const other = { name: 'textToImage', input: { prompt: 'another' } };
  await expect(cases.generate({ idempotencyKey: key, workflow: other })).rejects.toThrow();
  left.abort(new Error('the client has left'));
  await held;
  expect(await entries()).toMatchObject([
    { outcome: 'accepted' },
    { outcome: 'refused', code: 'IDEMPOTENCY_KEY_REUSED' },
  ]);
});

test('where a call came from is told, of whatever becomes of it', async () => {
  const { cases, audit, entries } = await audited();
  const address = '::ffff:192.0.2.7';
  const { job } = await cases.generate({ address });
  await expect(cases.generate({ address, deadlineSeconds: -1 })).rejects.toThrow();
  await cases.jobs.cancel(anonymous, job.id, 'test', address);
  const again = { identity: anonymous, requestId: 'test', address, id: job.id, idempotencyKey: v7() };
  await cases.jobs.retry(again);
  await cases.jobs.remove(anonymous, job.id, 'test', address);
  audit.record({ action: 'cancel', outcome: 'done', caller: 'anonymous', address: undefined });
  const told = await entries();
  expect(told.slice(0, -1)).toMatchObject(
    ['accepted', 'refused', 'done', 'accepted', 'done'].map((outcome) => ({ outcome, address })),
  );
  expect(told.at(-1)).not.toHaveProperty('address');
});

test('uploads are told, also those that are refused', async () => {
  const { audit, entries } = await audited();
  const uploads = createUploads({
    store: { add: async () => 'added' },
    artifacts: { uploadUrl: async () => ({ url: 'http://s3.test/?X-Amz-Signature=1', headers: {}, expiresAt: 1 }) },
    maxBytes: 10,
    newId: () => 'u-1',
    onRedisDown: () => undefined,
    audit,
  });
  const file = { identity: anonymous, requestId: 'test', filename: 'a secret.png', contentType: 'image/png' };
  await uploads.create({ ...file, sizeBytes: 5 });
  await expect(uploads.create({ ...file, sizeBytes: 50 })).rejects.toThrow();
  expect(await entries()).toEqual([
    { ...who, action: 'upload', outcome: 'accepted', uploadId: 'u-1' },
    { ...who, action: 'upload', outcome: 'refused', code: 'BAD_USER_INPUT' },
  ]);
});

test('a full disk refuses no job: the log says it, once and then with a count', async () => {
  const { log, lines } = testLog();
  const cases = await openUseCases(redis.url, {
    audit: createAudit({ to: '/dev/full', outputs: createOutputs(), log }),
  });
  onTestFinished(() => cases.close());
  for (let i = 0; i < 5; i++) await cases.generate();
  await expect
    .poll(() => lines)
    .toMatchObject([{ msg: 'the audit log cannot be written: entries are lost', times: 1 }]);
});
