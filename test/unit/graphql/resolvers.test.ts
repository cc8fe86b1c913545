import { expect, test } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import { GatewayError, notFound, unavailable } from '../../../src/core/errors.ts';
import type { Artifact } from '../../../src/core/job.ts';
import { unknownBackend } from '../../support/backends.ts';
import { testGraph, testJob, testServices } from '../../support/graph-services.ts';

const picture: Artifact = {
  id: 'artifact-1',
  key: 'jobs/1/a.png',
  kind: 'image',
  filename: 'a.png',
  contentType: 'image/png',
  sizeBytes: 5_000_000_000,
  sha256: 'ab',
  node: '9',
  output: null,
  width: 64,
  height: 32,
  durationSeconds: null,
};

const ended = testJob({
  status: 'SUCCEEDED',
  finishedAt: Date.UTC(2030, 0, 31, 13),
  expiresAt: Date.UTC(2030, 1, 7, 13),
  artifacts: [
    picture,
    { ...picture, id: 'artifact-2', kind: 'video', contentType: 'video/mp4', width: null, height: null },
    { ...picture, id: 'artifact-3', kind: 'video', contentType: 'video/mp4' },
  ],
});

test('shows a job with its artifacts, each of the type of its kind', async () => {
  const { run } = await testGraph(await testServices({ jobs: { get: async () => ended } }));
  const { data, errors } = await run(
    `{ job(id: "x") { status finishedAt queuePosition parameters error { code }
       artifacts { __typename id size ... on ImageArtifact { width height }
         ... on VideoArtifact { width height } } } }`,
  );
  expect(errors).toBeUndefined();
  expect(data.job).toEqual({
    status: 'SUCCEEDED',
    finishedAt: '2030-01-31T13:00:00.000Z',
    queuePosition: null,
    parameters: { prompt: 'a lighthouse', seed: 7 },
    error: null,
    artifacts: [
      { __typename: 'ImageArtifact', id: 'artifact-1', size: 5_000_000_000, width: 64, height: 32 },
      { __typename: 'FileArtifact', id: 'artifact-2', size: 5_000_000_000 },
      { __typename: 'VideoArtifact', id: 'artifact-3', size: 5_000_000_000, width: 64, height: 32 },
    ],
  });
});

test("places in the queue: the queue's, that of a MOVED event, and 0 while it only waits inside a server", async () => {
  const given = {
    queued: testJob({ status: 'QUEUED' }),
    moved: { ...testJob({ status: 'QUEUED' }), queuePosition: 2 },
    waiting: testJob({ waits: true }),
    begun: testJob(),
    canceled: testJob({ status: 'CANCELED', waits: true }),
  };
  const services = await testServices({
    jobs: {
      get: async (_identity, id) => Object.entries(given).find(([name]) => name === id)?.[1] ?? null,
      queuePosition: async () => 5,
    },
  });
  const { run } = await testGraph(services);
  const fields = Object.keys(given).map((name) => `${name}: job(id: "${name}") { queuePosition }`);
  const { data, errors } = await run(`{ ${fields.join(' ')} }`);
  expect(errors).toBeUndefined();
  const places = Object.fromEntries(Object.keys(given).map((name) => [name, data[name].queuePosition]));
  expect(places).toEqual({ queued: 5, moved: 2, waiting: 0, begun: null, canceled: null });
});

test('signs addresses as asked, never past the end of the job', async () => {
  const { run } = await testGraph(await testServices({ jobs: { get: async () => ended } }));
  const { data } = await run('{ job(id: "x") { artifacts { url other: url(expiresIn: 60, download: true) } } }');
  const [plain, other] = [data.job.artifacts[0].url, data.job.artifacts[0].other].map((url: string) => new URL(url));
  expect(plain?.pathname).toBe('/jobs/1/a.png');
  expect(plain?.searchParams.get('expiresInSeconds')).toBe('3600');
  expect(plain?.searchParams.get('download')).toBe('false');
  expect(plain?.searchParams.get('notAfter')).toBe(String(ended.expiresAt));
  expect(plain?.searchParams.get('steady')).toBe('true');
  expect(other?.searchParams.get('expiresInSeconds')).toBe('60');
  expect(other?.searchParams.get('steady')).toBeNull();
  expect(other?.searchParams.get('download')).toBe('true');
});

test('says until when an address works: the hour and the next, and not past the end of the job', async () => {
  const now = Date.UTC(2030, 0, 31, 13, 20);
  const urlExpiresAt = async (expiresAt: number) => {
    const services = await testServices({ now: () => now, jobs: { get: async () => ({ ...ended, expiresAt }) } });
    const { data } = await (await testGraph(services)).run('{ job(id: "x") { artifacts { urlExpiresAt } } }');
    return data.job.artifacts[0].urlExpiresAt;
  };
  expect(await urlExpiresAt(now + 86_400_000)).toBe('2030-01-31T15:00:00.000Z');
  expect(await urlExpiresAt(now + 60_000)).toBe('2030-01-31T13:21:00.000Z');
});

test.each([0, -1, 604_801])('refuses an address for %i seconds', async (expiresIn) => {
  const { run } = await testGraph(await testServices({ jobs: { get: async () => ended } }));
  const { errors } = await run(`{ job(id: "x") { artifacts { url(expiresIn: ${expiresIn}) } } }`);
  expect(errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', issues: [{ path: ['expiresIn'] }] });
});

test('pages as Relay does', async () => {
  const requests: unknown[] = [];
  const services = await testServices({
    jobs: {
      async list(request) {
        requests.push(request);
        return { edges: [{ cursor: 'c1', job: testJob() }], hasNextPage: true, endCursor: 'c1' };
      },
    },
  });
  const { run } = await testGraph(services);
  const { data } = await run(`{ jobs(after: "c0", filter: {status: [RUNNING], createdAfter: "2030-01-01T00:00:00Z"}) {
    edges { cursor node { seq } } nodes { seq } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`);
  expect(data.jobs).toEqual({
    edges: [{ cursor: 'c1', node: { seq: 1 } }],
    nodes: [{ seq: 1 }],
    pageInfo: { hasNextPage: true, hasPreviousPage: true, startCursor: 'c1', endCursor: 'c1' },
  });
  expect(requests).toEqual([
    {
      identity: anonymous,
      client: '127.0.0.1',
      first: 20,
      after: 'c0',
      filter: {
        status: ['RUNNING'],
        workflow: null,
        tag: null,
        createdAfter: Date.UTC(2030, 0, 1),
        createdBefore: null,
      },
    },
  ]);
  const { errors } = await run('{ a: jobs(first: 0) { nodes { id } } }');
  expect(errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', issues: [{ path: ['first'] }] });
});

test('shows the catalogue, with the models that running servers offer', async () => {
  const backend = { ...unknownBackend, reportedAt: 0, lastSeenAt: 0, since: 0 };
  const services = await testServices({
    backends: {
      backends: async () => [
        { ...backend, name: 'a', status: 'UP', models: { 'CheckpointLoaderSimple.ckpt_name': ['b.ckpt', 'a.ckpt'] } },
        { ...backend, name: 'b', status: 'UP', models: { 'CheckpointLoaderSimple.ckpt_name': ['b.ckpt'] } },
        { ...backend, name: 'c', status: 'DOWN', models: { 'CheckpointLoaderSimple.ckpt_name': ['gone.ckpt'] } },
      ],
    },
  });
  const { run } = await testGraph(services);
  const { data } = await run(
    '{ workflow(name: "textToImage") { parameters { name type default maximum choices { value label } } } ' +
      'none: workflow(name: "x") { name } }',
  );
  expect(data.none).toBeNull();
  const parameters = new Map<string, { [name: string]: unknown }>(
    data.workflow.parameters.map((parameter: { name: string }) => [parameter.name, parameter]),
  );
  expect(parameters.get('model')).toMatchObject({
    type: 'MODEL',
    choices: ['a.ckpt', 'b.ckpt'].map((name) => ({ value: name, label: name })),
  });
  expect(parameters.get('sampler')?.choices).toContainEqual({ value: 'EULER', label: 'euler' });
  expect(parameters.get('seed')).toMatchObject({ type: 'SEED', default: null, maximum: Number.MAX_SAFE_INTEGER });
  expect(parameters.get('prompt')).toMatchObject({ type: 'STRING', choices: null });
});

test('the rest of the catalogue is shown while models cannot be asked for', async () => {
  const services = await testServices({
    backends: { backends: () => Promise.reject(new Error('connect ECONNREFUSED')) },
  });
  const { run } = await testGraph(services);
  const { data, errors } = await run('{ workflow(name: "textToImage") { parameters { name choices { value } } } }');
  expect(data.workflow.parameters.length).toBeGreaterThan(5);
  expect(errors.map((error: { extensions: { code: string } }) => error.extensions.code)).toEqual(['UNAVAILABLE']);
  expect(JSON.stringify(errors)).not.toContain('ECONNREFUSED');
});

test('each error that a caller may meet has its code and what goes with it', async () => {
  const throwing = async (error: Error) => {
    const { run } = await testGraph(await testServices({ jobs: { cancel: () => Promise.reject(error) } }));
    return (await run('mutation { cancelJob(id: "x") { id } }')).errors[0];
  };
  expect(await throwing(notFound('job'))).toMatchObject({
    message: 'job not found',
    path: ['cancelJob'],
    extensions: { code: 'NOT_FOUND' },
  });
  expect((await throwing(unavailable('redis is away', 2))).extensions).toEqual({ code: 'UNAVAILABLE', retryAfter: 2 });
  expect((await throwing(new GatewayError('m', { code: 'IDEMPOTENCY_KEY_REUSED', jobId: 'j' }))).extensions).toEqual({
    code: 'IDEMPOTENCY_KEY_REUSED',
    jobId: 'j',
  });
});

test('A18: masks everything else and logs it once with the request id', async () => {
  const secret = new Error('postgres://user:hunter2@10.0.0.1');
  const { run, lines } = await testGraph(await testServices({ jobs: { get: () => Promise.reject(secret) } }));
  const { errors, data } = await run('{ job(id: "x") { id } }');
  expect(data).toEqual({ job: null });
  expect(errors).toEqual([
    {
      message: 'Unexpected error.',
      path: ['job'],
      locations: [{ line: 1, column: 3 }],
      extensions: { code: 'INTERNAL' },
    },
  ]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: 50, requestId: 'request-1', err: { message: secret.message } });
});

test('shows the servers, what each computes on and since when one is away', async () => {
  const gpu = {
    ...unknownBackend,
    name: 'gpu',
    comfyuiVersion: '0.33.0',
    reportedAt: 0,
    lastSeenAt: Date.UTC(2030, 0, 1),
    since: 0,
  };
  const services = await testServices({
    backends: {
      backends: async () => [
        { ...gpu, status: 'DRAINING', queued: 1, running: 1, devices: ['cuda:0 NVIDIA GeForce RTX 4090'] },
        { ...gpu, name: 'old', status: 'DOWN', message: 'ComfyUI is not reachable' },
      ],
    },
  });
  const { run } = await testGraph(services);
  const { data } = await run('{ backends { name status comfyuiVersion queued running devices lastSeenAt message } }');
  const seen = { comfyuiVersion: '0.33.0', lastSeenAt: '2030-01-01T00:00:00.000Z' };
  expect(data.backends).toEqual([
    {
      name: 'gpu',
      status: 'DRAINING',
      queued: 1,
      running: 1,
      devices: ['cuda:0 NVIDIA GeForce RTX 4090'],
      message: null,
      ...seen,
    },
    { name: 'old', status: 'DOWN', queued: 0, running: 0, devices: [], message: 'ComfyUI is not reachable', ...seen },
  ]);
});
