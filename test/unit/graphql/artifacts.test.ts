import { expect, test } from 'vitest';
import { unavailable } from '../../../src/core/errors.ts';
import type { Artifact } from '../../../src/core/job.ts';
import { type TestServices, testGraph, testJob, testServices } from '../../support/graph-services.ts';

const expiresAt = Date.UTC(2030, 1, 7, 13);

function artifact(changes: Partial<Artifact>): Artifact {
  return {
    id: 'artifact-1',
    key: 'jobs/1/1/00.png',
    kind: 'image',
    filename: 'a.png',
    contentType: 'image/png',
    sizeBytes: 1000,
    sha256: 'ab',
    node: '9',
    output: null,
    width: 64,
    height: 32,
    durationSeconds: null,
    ...changes,
  };
}

async function graphOf(artifacts: Artifact[], changes: Partial<Pick<TestServices, 'texts' | 'variants'>> = {}) {
  const job = testJob({ status: 'SUCCEEDED', finishedAt: expiresAt - 1, expiresAt, artifacts });
  const { run } = await testGraph(await testServices({ ...changes, jobs: { get: async () => job } }));
  return (selection: string) => run(`{ job(id: "x") { artifacts { ${selection} } } }`);
}

test('each kind has its type, and what lacks what the type promises is a file', async () => {
  const none = { width: null, height: null };
  const texts = { read: async ({ id }: Artifact) => `text of ${id}` };
  const ask = await graphOf(
    [
      artifact({ output: 'picture' }),
      artifact({ ...none }),
      artifact({ kind: 'video', width: 640, height: 480, durationSeconds: 1.5 }),
      artifact({ kind: 'video', ...none }),
      artifact({ kind: 'audio', ...none, durationSeconds: 3.25 }),
      artifact({ id: 't', kind: 'text', ...none, sizeBytes: 1024 * 1024 }),
      artifact({ kind: 'text', ...none, sizeBytes: 1024 * 1024 + 1 }),
      artifact({ kind: 'file', ...none }),
    ],
    { texts },
  );
  const { data, errors } = await ask(`__typename output
    ... on ImageArtifact { width height } ... on TextArtifact { text }
    ... on VideoArtifact { width height durationSeconds } ... on AudioArtifact { durationSeconds }`);
  expect(errors).toBeUndefined();
  expect(data.job.artifacts).toEqual([
    { __typename: 'ImageArtifact', output: 'picture', width: 64, height: 32 },
    { __typename: 'FileArtifact', output: null },
    { __typename: 'VideoArtifact', output: null, width: 640, height: 480, durationSeconds: 1.5 },
    { __typename: 'FileArtifact', output: null },
    { __typename: 'AudioArtifact', output: null, durationSeconds: 3.25 },
    { __typename: 'TextArtifact', output: null, text: 'text of t' },
    { __typename: 'FileArtifact', output: null },
    { __typename: 'FileArtifact', output: null },
  ]);
});

test('text that cannot be read is UNAVAILABLE, and whoever does not ask for it has the rest', async () => {
  const texts = { read: () => Promise.reject(unavailable('the artifact storage cannot be reached', 10)) };
  const ask = await graphOf([artifact({ kind: 'text', width: null, height: null })], { texts });
  const { errors, data } = await ask('... on TextArtifact { text }');
  expect(errors[0]).toMatchObject({
    path: ['job', 'artifacts', 0, 'text'],
    extensions: { code: 'UNAVAILABLE', retryAfter: 10 },
  });
  expect(data).toEqual({ job: null });
  expect((await ask('id url')).data.job.artifacts[0].id).toBe('artifact-1');
});

test('each answer has a budget of texts of its own', async () => {
  const answers: object[] = [];
  const texts = {
    read: async (_artifact: Artifact, answer: object) => {
      answers.push(answer);
      return '';
    },
  };
  const text = artifact({ kind: 'text', width: null, height: null });
  const ask = await graphOf([text, text], { texts });
  await ask('... on TextArtifact { text }');
  await ask('... on TextArtifact { text }');
  expect(answers[0]).toBe(answers[1]);
  expect(answers[2]).toBe(answers[3]);
  expect(answers[1]).not.toBe(answers[2]);
});

test('an address without format, width and quality is that of the artifact', async () => {
  const ask = await graphOf([artifact({})]);
  const { data } = await ask('url ... on ImageArtifact { same: url(format: null, width: null), own: url(width: 64) }');
  const [{ url, same, own }] = data.job.artifacts;
  expect(new URL(url).host).toBe('files.test');
  expect([same, own]).toEqual([url, url]);
});

test('another picture is asked for as it was, under the same limits as every address', async () => {
  const ask = await graphOf([artifact({})]);
  const { data } = await ask(
    '... on ImageArtifact { url(format: WEBP, width: 16, quality: 7, expiresIn: 60, download: true) }',
  );
  const { host, pathname, searchParams } = new URL(data.job.artifacts[0].url);
  expect([host, pathname]).toEqual(['variants.test', '/jobs/1/1/00.png']);
  expect(Object.fromEntries(searchParams)).toEqual({
    format: 'WEBP',
    width: '16',
    quality: '7',
    expiresInSeconds: '60',
    download: 'true',
    notAfter: String(expiresAt),
  });
});

test.each([
  ['width: 15', 'width'],
  ['width: 4097', 'width'],
  ['quality: 0', 'quality'],
  ['quality: 101', 'quality'],
  ['format: PNG, quality: 80', 'quality'],
  ['format: WEBP, expiresIn: 0', 'expiresIn'],
])('refuses url(%s)', async (args, field) => {
  const ask = await graphOf([artifact({})]);
  const { errors } = await ask(`... on ImageArtifact { url(${args}) }`);
  expect(errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', issues: [{ path: [field] }] });
});
