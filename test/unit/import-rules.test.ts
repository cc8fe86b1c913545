import { expect, test } from 'vitest';
import { findCycles, MAY_IMPORT, whyForbidden } from '../../scripts/import-rules.ts';

test.each([
  ['core reads a file', 'src/core/job.ts', 'node:fs'],
  ['core knows a use case', 'src/core/job.ts', 'src/jobs/jobs.ts'],
  ['a use case knows the API', 'src/jobs/create-jobs.ts', 'src/graphql/schema.ts'],
  ['a use case knows the composition', 'src/jobs/create-jobs.ts', 'src/app/gateway-services.ts'],
  ['a use case chooses a driver', 'src/jobs/create-jobs.ts', 'src/queue/bullmq/bullmq.ts'],
  ['a command chooses a driver', 'src/cli/main.ts', 'src/artifacts/s3/s3.ts'],
  ['a port knows its driver', 'src/artifacts/artifact-store.ts', 'src/artifacts/s3/s3.ts'],
  ['the API opens a connection', 'src/graphql/builder.ts', 'src/redis/connection.ts'],
  ['the API knows HTTP', 'src/graphql/builder.ts', 'src/http/graphql/yoga.ts'],
  ['HTTP reads the files of a driver', 'src/http/files/artifact-download.ts', 'src/artifacts/folder/folder.ts'],
  ['HTTP starts a worker', 'src/http/server.ts', 'worker/worker.ts'],
  ['a worker serves', 'worker/worker.ts', 'src/http/server.ts'],
  ['a room of the worker knows one above it', 'worker/attempt/attempt.ts', 'worker/prompt/reaper.ts'],
  ['a room of the worker knows what puts it together', 'worker/inputs/open-inputs.ts', 'worker/worker.ts'],
  ['the simulator knows the product', 'src/simulator/main.ts', 'src/core/job.ts'],
  ['what starts a child knows the product', 'src/embedded/redis.ts', 'src/jobs/jobs.ts'],
  ['the configuration knows the product', 'src/config/rules.ts', 'src/core/job.ts'],
  ['BullMQ is used outside its driver', 'src/jobs/create-jobs.ts', 'bullmq'],
  ['a Redis client is made elsewhere', 'src/jobs/create-jobs.ts', 'ioredis'],
  ['a use case keeps figures of its own', 'src/jobs/create-jobs.ts', 'prom-client'],
  ['a subpath of a package', 'src/jobs/create-jobs.ts', 'graphql-ws/use/ws'],
  ['a package of a scope', 'src/jobs/create-jobs.ts', '@opentelemetry/api'],
  ['the client knows the product', 'client/src/errors.ts', 'src/core/errors.ts'],
  ['the product knows the client', 'src/core/errors.ts', 'client/src/errors.ts'],
  ['what runs in browsers reads a file', 'client/src/files.ts', 'node:fs/promises'],
  ['a file lies in no folder that has rules', 'src/new/thing.ts', 'node:fs'],
])('%s: refused', (_, from, to) => {
  expect(whyForbidden(from, to, false)).toMatch(/ may import | is imported by | lies in no folder | runs in browsers/);
});

test.each([
  ['a port', 'src/jobs/create-jobs.ts', 'src/queue/queue.ts', false],
  ['a neighbour', 'src/jobs/create-jobs.ts', 'src/jobs/jobs.ts', false],
  ['a folder within its own', 'src/graphql/job/job-type.ts', 'src/graphql/builder.ts', false],
  ['the type of a connection', 'src/jobs/create-jobs.ts', 'ioredis', true],
  ['a driver, where drivers are chosen', 'src/app/gateway-services.ts', 'src/queue/bullmq/bullmq.ts', false],
  ['hashing in core', 'src/core/canonical-json.ts', 'node:crypto', false],
  ['a socket of the worker', 'worker/comfyui/socket.ts', 'ws', false],
  ['a file, by the command of the client', 'client/src/cli/main.ts', 'node:fs/promises', false],
])('%s: allowed', (_, from, to, typesOnly) => {
  expect(whyForbidden(from, to, typesOnly)).toBeNull();
});

test('an import of types alone is held to the folders, too', () => {
  expect(whyForbidden('src/core/job.ts', 'src/jobs/jobs.ts', true)).not.toBeNull();
});

test('each folder imports only from folders of lines above it', () => {
  const folders = Object.keys(MAY_IMPORT);
  const upwards = Object.entries(MAY_IMPORT).flatMap(([folder, allowed]) =>
    allowed.filter((each) => !(folders.indexOf(each) >= 0 && folders.indexOf(each) < folders.indexOf(folder))),
  );
  expect(upwards).toEqual([]);
});

test('files that import each other are found, however long the way', () => {
  const imports = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', ['a']],
    ['d', []],
  ]);
  expect(findCycles(imports)).toEqual([['a', 'b', 'c']]);
  imports.set('c', []);
  expect(findCycles(imports)).toEqual([]);
});
