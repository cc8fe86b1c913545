import { expect, onTestFinished, test } from 'vitest';
import { createRedisBackendDirectory } from '../../../src/backends/redis/redis-backends.ts';
import { createHealth } from '../../../src/health/check-health.ts';
import { testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { startTestRedis } from '../../support/redis.ts';
import { openUseCases } from '../../support/use-cases.ts';

async function start() {
  const server = await startTestRedis();
  onTestFinished(server.close);
  const product = await openUseCases(server.url);
  onTestFinished(product.close);
  const { jobs, redis, keys, gateway: store } = product;
  const backends = createRedisBackendDirectory(redis, keys);
  const artifacts = { check: async () => undefined };
  const health = createHealth({ redis, keys, store, artifacts, backends, version: '1.2.3' });
  const services = { ...(await testServices({ backends })), jobs, health };
  const { post } = await startTestServer({ services });
  return { kill: server.kill, ask: async (query: string) => (await post({ query })).json() };
}

test('while Redis is away health comes beside jobs and servers that cannot be read', async () => {
  const { ask, kill } = await start();
  await kill();
  const { data, errors } = await ask(
    '{ health { status checks { name status } } jobs { nodes { id } } backends { name } workflows { name } }',
  );
  expect(data).toMatchObject({ jobs: null, backends: null, health: { status: 'UNHEALTHY' } });
  expect(data.health.checks).toContainEqual({ name: 'redis', status: 'UNHEALTHY' });
  expect(data.workflows).toContainEqual({ name: 'textToImage' });
  const codes = errors.map(({ path, extensions }: { path: string[]; extensions: object }) => [path, extensions]);
  expect(codes).toHaveLength(2);
  for (const name of ['jobs', 'backends'])
    expect(codes).toContainEqual([[name], { code: 'UNAVAILABLE', retryAfter: expect.any(Number) }]);
}, 30_000);

test('the id of an accepted job comes beside a call of the same document that is refused', async () => {
  const { ask } = await start();
  const generate = (prompt: string) =>
    `generate(input: { idempotencyKey: "one", workflow: { textToImage: { prompt: "${prompt}" } } }) { job { id } }`;
  const { data, errors } = await ask(
    `mutation { first: ${generate('a boat')} second: ${generate('a house')} cancelJob(id: "absent") { id } }`,
  );
  const { id } = data.first.job;
  expect(data).toEqual({ first: { job: { id: expect.any(String) } }, second: null, cancelJob: null });
  expect(errors).toMatchObject([
    { path: ['second'], extensions: { code: 'IDEMPOTENCY_KEY_REUSED', jobId: id } },
    { path: ['cancelJob'], extensions: { code: 'NOT_FOUND' } },
  ]);
}, 30_000);
