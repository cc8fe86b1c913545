import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { JobCheck } from '../../../src/jobs/accept-job.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases } from '../../support/use-cases.ts';

let redis: TestRedis;

beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

const noModel: JobCheck = async (_job, _plan, path) => [
  { path: [...path, 'model'], message: 'no server has it', code: 'not_a_choice' },
];

async function refusalOf(check: JobCheck, input: { [name: string]: unknown }, tags: string[] = []) {
  const product = await openUseCases(redis.url, { checks: [check] });
  onTestFinished(product.close);
  const workflow = { name: 'textToImage', input: { prompt: 'a boat', ...input } };
  const refused = await product.generate({ workflow, tags }).catch((error: unknown) => error);
  expect(await product.redis.zcard(product.keys.open)).toBe(0);
  return refused;
}

test('what the servers lack is told together with what is wrong with the request', async () => {
  expect(await refusalOf(noModel, { steps: 1000 }, [''])).toMatchObject({
    details: {
      code: 'BAD_USER_INPUT',
      issues: [
        { path: ['input', 'tags', 0], code: 'too_small' },
        { path: ['input', 'workflow', 'textToImage', 'steps'], code: 'too_big' },
        { path: ['input', 'workflow', 'textToImage', 'model'], code: 'not_a_choice' },
      ],
    },
  });
});

test('of one place only the first fault is told', async () => {
  const refused = await refusalOf(noModel, { model: '../x' });
  expect(refused).toMatchObject({ details: { issues: [{ code: 'invalid_string' }] } });
});

test('a request that is wrong is refused, also where nobody can tell what the servers have', async () => {
  const refused = await refusalOf(() => Promise.reject(new Error('away')), { steps: 1000 });
  expect(refused).toMatchObject({ details: { code: 'BAD_USER_INPUT', issues: [{ code: 'too_big' }] } });
});
