import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { graph, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

const outOf = (code: string) => Object.assign(new Error(`${code}: too many open files`), { code });

test.each(['EMFILE', 'ENFILE'])(
  'a job that meets %s waits for better times: no attempt of it has failed',
  async (code) => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    let left = 1;
    const { artifacts } = harness;
    const put: typeof artifacts.put = async (...args) => {
      if (left-- > 0) throw outOf(code);
      return await artifacts.put(...args);
    };
    // One failure that counts would end it.
    harness.work({ main: simulator.url }, { artifacts: { ...artifacts, put }, jobAttempts: 1, random: () => 0 });
    const id = await harness.submit(graph);
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', failures: 0, attempts: 2 });
    expect(simulator.posts).toBe(1);
  },
);
