import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { artifactFolder, createArtifacts } from '../../../src/app/process-context.ts';
import { markFolder } from '../../../src/artifacts/folder/folder-id.ts';
import { uploadKey } from '../../../src/artifacts/keys.ts';
import { sampleFiles } from '../../../src/cli/sample-files.ts';
import { type Config, loadConfig } from '../../../src/config/config.ts';
import { fileKinds } from '../../../src/core/file-source.ts';
import { planOf } from '../../../src/core/plan.ts';
import { parseTemplate } from '../../../src/core/template.ts';
import { createFileCheck } from '../../../src/jobs/check-files.ts';
import { createRedisUploads } from '../../../src/uploads/redis/redis-uploads.ts';
import type { Workflow } from '../../../src/workflows/catalogue.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { checkKind, inspectInput } from '../../../worker/inputs/inspect-input.ts';
import { freePort } from '../../support/free-port.ts';
import { newJob, openStores } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { findVersityGateway, startTestVersityGateway } from '../../support/versitygw.ts';
import { at, graph, manifest, workflowsFolder } from '../../unit/workflows/folder.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;
let folder: string;

beforeEach(async () => {
  server = await startTestRedis();
  stores = await openStores(server.url);
  folder = await workflowsFolder({});
});
afterEach(async () => {
  await stores.close();
  await server.close();
});

/** The configuration of this test's installation. */
function configOf(env: { [name: string]: string } = {}): Config {
  const prefix = stores.keys.tag.slice(1, -2);
  return loadConfig({ REDIS_URL: server.url, REDIS_PREFIX: prefix, DATA_DIR: join(folder, 'data'), ...env });
}

/** As a gateway does at its first start. */
async function markStorage(config: Config) {
  await stores.redis.set(stores.keys.artifactFolder, await markFolder(artifactFolder(config)));
}

/** It requires a file of each kind. */
async function takingFiles(): Promise<Workflow> {
  const inputs = Object.fromEntries(fileKinds.map((kind) => [kind, 'a file of the author']));
  const parameters = Object.fromEntries(
    fileKinds.map((file) => [file, { type: 'file', description: 'd', file, required: true, targets: at(file, '3') }]),
  );
  const dir = await workflowsFolder({
    'a/graph.json': { ...graph, '3': { class_type: 'Load', inputs } },
    'a/manifest.json': { ...manifest, parameters },
  });
  const workflow = (await loadCatalogue({ dir, maxMegapixels: 4 })).get('a');
  if (!workflow) throw new Error('there is no workflow');
  return workflow;
}

/** A job with these samples is taken by a gateway, and each file by a worker. */
async function expectRunnable(config: Config) {
  const workflow = await takingFiles();
  const { files, about } = await sampleFiles(workflow, config);
  expect(about.join('\n')).toMatch(/a picture and a mask and a sound and a film, kept until \d{4}-.*Z/);
  const parsed = workflow.parse({ ...files }, []);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const unsigned = { publicUrl: 'http://127.0.0.1', signingSecret: 'not used here, since no address is signed' };
  await using opened = new AsyncDisposableStack();
  const artifacts = opened.adopt(await createArtifacts(config, unsigned), (each) => each.close());
  const uploads = createRedisUploads(stores.redis, stores.keys);
  const options = { inputOrigins: [], maxBytes: config.inputs.maxBytes, retentionMs: 1000 };
  const check = createFileCheck({ uploads, artifacts, store: stores.gateway, ...options });
  const { parameters } = parsed;
  const job = newJob({ workflow: workflow.name, template: workflow.template, parameters });
  expect(await check(job, planOf(parseTemplate(workflow.template.text), parameters), [])).toEqual([]);
  const signal = AbortSignal.timeout(30_000);
  for (const kind of fileKinds) {
    const source = files[kind];
    if (!('upload' in source)) throw new Error(`no upload of ${kind}`);
    const stored = await artifacts.read(uploadKey(source.upload), { signal });
    if (!stored) throw new Error(`nothing is stored of ${kind}`);
    const path = join(folder, kind);
    await writeFile(path, await buffer(stored));
    checkKind(await inspectInput(path), kind);
  }
}

test('samples of all kinds are uploaded to a folder such that a job with them runs', async () => {
  const config = configOf();
  await markStorage(config);
  await expectRunnable(config);
});

test.skipIf(findVersityGateway() === null)('and to S3', async () => {
  const s3 = await startTestVersityGateway();
  try {
    const { endpoint, accessKey, secretKey, region } = s3;
    const keys = { S3_ACCESS_KEY: accessKey, S3_SECRET_KEY: secretKey, S3_REGION: region };
    await expectRunnable(configOf({ S3_ENDPOINT: endpoint, S3_BUCKET: 'samples', ...keys }));
  } finally {
    await s3.close();
  }
});

test('where nothing can be uploaded, there are addresses to be replaced, and the reason', async () => {
  const workflow = await takingFiles();
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const s3 = { S3_ENDPOINT: endpoint, S3_BUCKET: 'samples', S3_ACCESS_KEY: 'someone', S3_SECRET_KEY: 'a secret' };
  const cases: [Config, RegExp][] = [
    [configOf(), /no gateway of this installation has a folder/],
    [configOf({ REDIS_URL: '' }), /no `npm start` runs on DATA_DIR/],
    [configOf(s3), /storage cannot be reached/],
  ];
  for (const [config, reason] of cases) {
    const { files, about } = await sampleFiles(workflow, config);
    expect(about.join('\n')).toMatch(reason);
    expect(about.join('\n')).toContain('In place of https://example.org/… put an address of yours');
    for (const kind of fileKinds) expect(files[kind]).toEqual({ url: expect.stringContaining('//example.org/') });
  }
  const config = configOf();
  await markStorage(config);
  const elsewhere = await sampleFiles(workflow, configOf({ DATA_DIR: join(folder, 'another') }));
  expect(elsewhere.about.join('\n')).toContain('not the one that results are in');
});

test('a workflow that requires no file gets none', async () => {
  const dir = await workflowsFolder({ 'a/graph.json': graph, 'a/manifest.json': manifest });
  const workflow = (await loadCatalogue({ dir, maxMegapixels: 4 })).get('a');
  if (!workflow) throw new Error('there is no workflow');
  expect((await sampleFiles(workflow, configOf())).about).toEqual([]);
});
