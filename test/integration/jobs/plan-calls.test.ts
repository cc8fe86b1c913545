import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anonymous, type Identity } from '../../../src/callers/identity.ts';
import { createPlans, noPlan, type Plan } from '../../../src/callers/plans.ts';
import type { LimitUse } from '../../../src/core/limits.ts';
import type { GenerateRequest } from '../../../src/jobs/jobs.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

const plans = new Map<string, Plan>();
let redis: TestRedis;
let cases: UseCases;

beforeAll(async () => {
  redis = await startTestRedis();
  cases = await openUseCases(redis.url, { plans: createPlans(() => plans) });
});

afterAll(async () => {
  await cases?.close();
  await redis?.close();
});

/** A caller of a plan of its own. */
function callerOf(bounds: Partial<Plan>): Identity {
  const plan = `plan-${randomUUID()}`;
  plans.set(plan, { ...noPlan, name: plan, ...bounds });
  return { ...anonymous, caller: `caller-${randomUUID()}`, plan };
}

const generate = (identity: Identity, changes: Partial<GenerateRequest> = {}) =>
  cases.generate({ identity, ...changes });
const retry = (identity: Identity, id: string, idempotencyKey: string = randomUUID()) =>
  cases.jobs.retry({ identity, requestId: 'r', id, idempotencyKey });

const textToImage = (input: { [name: string]: unknown }) => ({
  workflow: { name: 'textToImage', input: { prompt: 'a lighthouse', ...input } },
});
const customOf = (side: number) => ({
  workflow: {
    name: 'custom',
    input: {
      graph: {
        '1': { class_type: 'EmptyImage', inputs: { width: side, height: side, batch_size: 1, color: 1 } },
        '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
      },
    },
  },
});
const refusedBy = (name: string, code: string) => ({ details: expect.objectContaining({ code, name }) });

describe('what is refused uses up its request and nothing else', () => {
  const bounds = { requestsPerMinute: 3, jobsPerDay: 3, gpuSecondsPerDay: 3, priorities: ['NORMAL'] } as const;
  const refusals: [string, (identity: Identity) => Promise<unknown>][] = [
    ['an input', (identity) => generate(identity, textToImage({ width: -1 }))],
    ['a key', (identity) => generate(identity, { idempotencyKey: '' })],
    ['a graph', (identity) => generate(identity, { workflow: { name: 'custom', input: { graph: {} } } })],
    ['a workflow that is none', (identity) => generate(identity, { workflow: { name: 'gone', input: {} } })],
    ['what the plan has not', (identity) => generate(identity, { priority: 'HIGH' })],
    ['a retry of nothing', (identity) => retry(identity, randomUUID())],
    ['a retry of what is no id', (identity) => retry(identity, 'x')],
  ];

  test.each(refusals)('%s', async (_name, refused) => {
    const identity = callerOf({ ...bounds, priorities: [...bounds.priorities] });
    for (let i = 0; i < 3; i++) {
      await expect(refused(identity)).rejects.not.toMatchObject({ details: { code: 'RATE_LIMITED' } });
    }
    await expect(refused(identity)).rejects.toMatchObject(refusedBy('requestsPerMinute', 'RATE_LIMITED'));
    await expect(generate(identity)).rejects.toMatchObject(refusedBy('requestsPerMinute', 'RATE_LIMITED'));
    const left = await cases.jobs.limits(identity);
    expect(left.filter(({ name }) => name !== 'requestsPerMinute').map(({ remaining }) => remaining)).toEqual([3, 3]);
  });
});

test('a call whose key has made a job is given it, though nothing is left and the plan has changed', async () => {
  const identity = callerOf({ requestsPerMinute: 1, jobsPerDay: 1 });
  const call = { idempotencyKey: randomUUID(), priority: 'HIGH' } as const;
  const { job } = await generate(identity, call);
  plans.set(identity.plan ?? '', { ...noPlan, name: 'p', requestsPerMinute: 1, priorities: ['LOW'], workflows: [] });
  for (let i = 0; i < 3; i++) {
    expect(await generate(identity, call)).toMatchObject({ replayed: true, job: { id: job.id } });
  }
});

test('calls are told what they have used', async () => {
  const identity = callerOf({ gpuSecondsPerDay: 10, queued: 1 });
  const uses: LimitUse[] = [];
  const onLimits = (use: LimitUse) => void uses.push(use);
  const { job } = await generate(identity, { onLimits });
  await expect(generate(identity, { onLimits })).rejects.toMatchObject(refusedBy('queued', 'QUOTA_EXCEEDED'));
  expect(uses.map(({ gpuMs, left }) => [gpuMs, ...left.map(({ remaining }) => remaining)])).toEqual([
    [1_000, 9, 0],
    [0, 9, 0],
  ]);
  await (await cases.start(job.id)).succeed();
  await expect(retry(identity, job.id)).resolves.toMatchObject({ replayed: false });
  await expect(retry(identity, job.id)).rejects.toMatchObject(refusedBy('queued', 'QUOTA_EXCEEDED'));
});

describe('a plan bounds', () => {
  test('workflows, those of the caller included', async () => {
    const identity = callerOf({ workflows: ['textToImage'] });
    await generate(identity);
    await expect(generate(identity, customOf(64))).rejects.toMatchObject({
      details: { code: 'FORBIDDEN' },
      message: expect.stringContaining('has no workflow custom, but textToImage'),
    });
  });

  test('priorities, of retries too', async () => {
    const identity = callerOf({});
    const { job } = await generate(identity, { priority: 'HIGH' });
    await (await cases.start(job.id)).fail();
    plans.set(identity.plan ?? '', { ...noPlan, name: 'small', priorities: ['LOW', 'NORMAL'] });
    const refusal = {
      details: { code: 'FORBIDDEN' },
      message: 'your plan small has no priority HIGH, but LOW, NORMAL',
    };
    await expect(generate(identity, { priority: 'HIGH' })).rejects.toMatchObject(refusal);
    await expect(retry(identity, job.id)).rejects.toMatchObject(refusal);
  });

  test.each([
    ['of a workflow', textToImage({ width: 1024, height: 512 }), textToImage({ width: 1024, height: 1024 }), []],
    ['of a graph', customOf(512), customOf(1024), ['graph']],
  ])('the size of pictures %s', async (_name, small, large, path) => {
    const identity = callerOf({ megapixels: 0.6 });
    await generate(identity, small);
    await expect(generate(identity, large)).rejects.toMatchObject({
      details: {
        code: 'BAD_USER_INPUT',
        issues: [
          {
            path: ['input', 'workflow', large.workflow.name, ...path],
            code: 'too_big',
            maximum: 0.6,
            message: expect.stringMatching(/at most 0.6 megapixels.*got 1.05/),
          },
        ],
      },
    });
  });
});

test('a caller of a plan that is not installed is refused', async () => {
  const identity = { ...callerOf({}), plan: 'gone' };
  await expect(generate(identity)).rejects.toMatchObject({ details: { code: 'FORBIDDEN' } });
  await expect(retry(identity, randomUUID())).rejects.toMatchObject({ details: { code: 'FORBIDDEN' } });
  await expect(cases.jobs.limits(identity)).rejects.toMatchObject({ details: { code: 'FORBIDDEN' } });
});
