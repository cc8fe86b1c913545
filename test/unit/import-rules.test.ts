import { expect, test } from 'vitest';
import { brokenBy } from '../../scripts/import-rules.ts';

test.each([
  ['core reads a file', 'src/core/job.ts', 'node:fs'],
  ['core knows a use case', 'src/core/job.ts', 'src/jobs/jobs.ts'],
  ['a use case knows the API', 'src/jobs/service.ts', 'src/graphql/schema.ts'],
  ['a use case knows the composition root', 'src/jobs/service.ts', 'src/app/gateway-services.ts'],
  ['a use case chooses a driver', 'src/jobs/service.ts', 'src/queue/bullmq/bullmq.ts'],
  ['an entry point chooses a driver', 'src/main.ts', 'src/artifacts/s3/s3.ts'],
  ['the API opens a connection', 'src/graphql/builder.ts', 'src/redis/connection.ts'],
  ['the API knows HTTP', 'src/graphql/builder.ts', 'src/http/graphql/yoga.ts'],
  ['HTTP starts a worker', 'src/http/server.ts', 'src/app/start-worker.ts'],
  ['a worker serves', 'src/app/start-worker.ts', 'src/http/server.ts'],
  ['a worker holds a socket outside its client', 'src/app/start-worker.ts', 'ws'],
  ['the simulator knows the product', 'src/simulator/main.ts', 'src/core/job.ts'],
  ['a child is started by what knows the product', 'src/embedded/redis.ts', 'src/jobs/jobs.ts'],
  ['the configuration knows the product', 'src/config/rules.ts', 'src/core/job.ts'],
  ['BullMQ leaves its place', 'src/jobs/service.ts', 'bullmq'],
  ['a Redis client is made elsewhere', 'src/jobs/service.ts', 'ioredis'],
  ['a use case keeps figures of its own', 'src/jobs/service.ts', 'prom-client'],
])('%s: refused', (_, from, to) => {
  expect(brokenBy(from, to, false)).toHaveLength(1);
});

test.each([
  ['a port', 'src/jobs/service.ts', 'src/queue/queue.ts', false],
  ['a neighbour', 'src/artifacts/create-artifact-store.ts', 'src/artifacts/s3/s3.ts', false],
  ['the type of a connection', 'src/jobs/service.ts', 'ioredis', true],
  ['a driver, where they are chosen', 'src/app/gateway-services.ts', 'src/queue/bullmq/bullmq.ts', false],
  ['hashing in core', 'src/core/canonical-json.ts', 'node:crypto', false],
  ['a socket in the client', 'worker/comfyui/socket.ts', 'ws', false],
])('%s: allowed', (_, from, to, typesOnly) => {
  expect(brokenBy(from, to, typesOnly)).toEqual([]);
});
