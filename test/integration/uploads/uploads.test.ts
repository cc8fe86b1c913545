import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ArtifactStore, StorageError } from '../../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { uploadKey } from '../../../src/artifacts/keys.ts';
import { sha256 } from '../../../src/core/canonical-json.ts';
import type { FileSource } from '../../../src/core/file-source.ts';
import type { Artifact } from '../../../src/core/job.ts';
import { planOf } from '../../../src/core/plan.ts';
import type { NewJob } from '../../../src/job-record/job-store.ts';
import { createFileCheck } from '../../../src/jobs/check-files.ts';
import { createUploads } from '../../../src/uploads/create-uploads.ts';
import { createRedisUploads } from '../../../src/uploads/redis/redis-uploads.ts';
import type { UploadRequest, UploadStore } from '../../../src/uploads/upload.ts';
import { newJob, openStores } from '../../support/gateway-store.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

const MAX_BYTES = 1_000_000;
const RETENTION_MS = 3_600_000;
const DAY_MS = 86_400_000;
let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;
let folder: string;
let artifacts: ArtifactStore;
let store: UploadStore;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  stores = await openStores(server.url);
  folder = await mkdtemp(join(tmpdir(), 'comfygate-uploads-'));
  const signingSecret = 'a secret of this test and of no other';
  artifacts = createFolderStore({ folder, publicUrl: 'http://gateway.test', signingSecret, now: Date.now });
  store = createRedisUploads(stores.redis, stores.keys);
});
afterEach(async () => {
  await stores.close();
  await rm(folder, { recursive: true });
});

const file = { filename: 'a.png', contentType: 'image/png', sizeBytes: 3 };
const request: UploadRequest = { identity: callerNamed('me'), ...file };

function uploads(changes: Partial<Parameters<typeof createUploads>[0]> = {}) {
  const onRedisDown = () => undefined;
  return createUploads({ store, artifacts, maxBytes: MAX_BYTES, newId: () => randomUUID(), onRedisDown, ...changes });
}

/** As the caller would have PUT it. */
async function bring(id: string, bytes = 'abc') {
  const path = join(folder, 'source');
  await writeFile(path, bytes);
  const file = { path, sizeBytes: bytes.length, sha256: sha256(bytes), contentType: 'image/png', filename: 'a' };
  await artifacts.put(uploadKey(id), file, { signal: AbortSignal.timeout(5_000) });
}

/** Ids by the time that they have left, in milliseconds. */
async function lifeOf(id: string): Promise<number> {
  return Number(await stores.redis.zscore(stores.keys.uploads, id)) - Date.now();
}

describe('createUpload', () => {
  it('gives an address for a day, and a record that outlives it', async () => {
    const upload = await uploads().create({ ...request, filename: '../x/кот "1".png', contentType: 'IMAGE/PNG; x=1' });
    expect(upload).toMatchObject({ method: 'PUT', headers: { 'Content-Type': 'image/png' } });
    expect(upload.url).toContain(`http://gateway.test/artifacts/uploads/${upload.id}?`);
    expect(Math.abs(upload.expiresAt - Date.now() - DAY_MS)).toBeLessThan(60_000);
    expect(await store.get(upload.id)).toEqual({ ...file, caller: 'me', id: upload.id, filename: 'кот _1_.png' });
    expect(await lifeOf(upload.id)).toBeGreaterThan(DAY_MS + 1_800_000);
  });

  it.each<[string, Partial<UploadRequest>, string]>([
    ['no size', { sizeBytes: 0 }, 'input.size'],
    ['a negative size', { sizeBytes: -1 }, 'input.size'],
    ['more than there may be', { sizeBytes: MAX_BYTES + 1 }, 'input.size'],
    ['no name', { filename: '' }, 'input.filename'],
    ['a name of 256 characters', { filename: 'x'.repeat(256) }, 'input.filename'],
    ...[
      'image/svg+xml',
      'IMAGE/SVG+XML; charset=utf-8',
      'text/html',
      'image/',
      'image',
      '',
      'image/png\r\nX: 1',
      '*/*',
      'x'.repeat(300),
    ].map((contentType): [string, Partial<UploadRequest>, string] => [
      JSON.stringify(contentType.slice(0, 30)),
      { contentType },
      'input.contentType',
    ]),
  ])('%s is BAD_USER_INPUT', async (_name, changes, path) => {
    const error = await uploads()
      .create({ ...request, ...changes })
      .catch((cause) => cause);
    expect(error.details).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(error.details.issues.map((issue: { path: string[] }) => issue.path.join('.'))).toEqual([path]);
    expect(await stores.redis.exists(stores.keys.uploads)).toBe(0);
  });

  it.each(['image/heic', 'image/heif', 'image/jxl', 'image/x-canon-cr2'])(
    '%s, which no node reads, is refused with what works instead',
    async (contentType) => {
      const error = await uploads()
        .create({ ...request, contentType })
        .catch((cause) => cause);
      expect(error.details.issues).toEqual([
        expect.objectContaining({ path: ['input', 'contentType'], message: expect.stringContaining('image/jpeg') }),
      ]);
    },
  );

  it('takes pictures that ComfyUI reads, sound and film', async () => {
    const types = ['image/jpeg', 'image/webp', 'image/gif', 'image/bmp', 'image/tiff', 'image/avif', 'image/jpg'];
    for (const contentType of [...types, 'audio/mpeg', 'audio/x-wav', 'video/mp4', 'video/quicktime']) {
      expect((await uploads().create({ ...request, contentType })).headers).toEqual({ 'Content-Type': contentType });
    }
  });

  it('names every fault at once', async () => {
    const error = await uploads()
      .create({ identity: callerNamed('me'), filename: '', contentType: 'x', sizeBytes: 0 })
      .catch((cause) => cause);
    expect(error.details.issues).toHaveLength(3);
  });

  it('is UNAVAILABLE while storage or Redis is away', async () => {
    const uploadUrl = async () => Promise.reject(new StorageError('unavailable', 'away'));
    const details = { code: 'UNAVAILABLE' };
    await expect(uploads({ artifacts: { uploadUrl } }).create(request)).rejects.toMatchObject({ details });
    stores.redis.disconnect();
    await expect(uploads().create(request)).rejects.toMatchObject({ details });
  });
});

describe('the files of a job', () => {
  const graph = { '1': { class_type: 'LoadImage', inputs: { image: 'x' } } };
  const path = ['input', 'workflow', 'custom'];

  /** What is wrong with a custom job of these files, as `path: code`. */
  async function faults(
    files: { file: FileSource; kind?: string }[],
    job: Partial<NewJob> = {},
    head: ArtifactStore['head'] = artifacts.head,
  ) {
    const check = createFileCheck({
      uploads: store,
      artifacts: { head },
      store: stores.gateway,
      maxBytes: MAX_BYTES,
      inputOrigins: ['http://nas:1'],
      retentionMs: RETENTION_MS,
    });
    const parameters = { graph, files: files.map((file) => ({ node: '1', input: 'image', ...file })) };
    const issues = await check(newJob({ caller: 'me', ...job }), planOf(null, parameters), path);
    return issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`);
  }

  async function uploaded(changes: Partial<UploadRequest> = {}, bytes: string | null = 'abc') {
    const { id } = await uploads().create({ ...request, ...changes });
    if (bytes !== null) await bring(id, bytes);
    return id;
  }

  it('that were put are fine, and are kept for as long as the job can be', async () => {
    const id = await uploaded();
    expect(
      await faults([
        { file: { upload: id }, kind: 'image' },
        { file: { upload: id }, kind: 'mask' },
        { file: { upload: id } },
      ]),
    ).toEqual([]);
    // Its day was longer than this job's life.
    expect(await lifeOf(id)).toBeGreaterThan(DAY_MS);
    expect(await faults([{ file: { upload: id } }], { deadlineMs: 5 * DAY_MS })).toEqual([]);
    expect(await lifeOf(id)).toBeGreaterThan(5 * DAY_MS + RETENTION_MS - 60_000);
  });

  it("names all faults at once: another caller's, unknown, missing, cut off, wrong kind, not public", async () => {
    const mine = await uploaded();
    const files = [
      { file: { upload: await uploaded({ identity: callerNamed('you') }) } },
      { file: { upload: randomUUID() } },
      { file: { upload: await uploaded({}, null) } },
      { file: { upload: await uploaded({}, 'ab') } },
      { file: { upload: mine }, kind: 'audio' },
      { file: { upload: mine } },
      { file: { url: 'https://10.0.0.1/a' } },
      { file: { url: 'http://example.com/a' } },
      { file: { url: 'http://nas:1/a' } },
      { file: { url: 'https://example.com/a' } },
    ];
    expect(await faults(files)).toEqual([
      'input.workflow.custom.files.0.file.upload: not_found',
      'input.workflow.custom.files.1.file.upload: not_found',
      'input.workflow.custom.files.2.file.upload: not_uploaded',
      'input.workflow.custom.files.3.file.upload: not_uploaded',
      'input.workflow.custom.files.4.file.upload: wrong_type',
      'input.workflow.custom.files.6.file.url: invalid_url',
      'input.workflow.custom.files.7.file.url: invalid_url',
    ]);
  });

  /** An ended job of a caller that has left these results; gives their ids. */
  async function made(caller: string, results: Partial<Artifact>[]): Promise<string[]> {
    const job = newJob({ caller });
    await stores.gateway.accept(job);
    const claim = await stores.worker.claim(job.id);
    if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
    const artifacts = results.map((changes, i): Artifact => ({ ...artifact, id: `${job.id}:${i}`, ...changes }));
    const { progress, lease } = claim.job;
    await stores.worker.move(job.id, lease, { move: 'succeed', artifacts, progress, timings: [] });
    return artifacts.map(({ id }) => id);
  }
  const artifact: Artifact = {
    ...{ id: '', key: 'jobs/a/1/00.png', kind: 'image', filename: 'a.png', contentType: 'image/png', sizeBytes: 3 },
    ...{ sha256: '', node: '9', output: null, width: 1, height: 1, durationSeconds: null },
  };

  it("may be results of the caller's jobs, of the kind that their place takes", async () => {
    const [image = '', film = '', text = '', large = ''] = await made('me', [
      {},
      { contentType: 'video/mp4', kind: 'video' },
      { contentType: 'text/plain', kind: 'text' },
      { sizeBytes: MAX_BYTES + 1 },
    ]);
    const files = [
      { file: { artifact: image }, kind: 'image' },
      { file: { artifact: image }, kind: 'mask' },
      { file: { artifact: film }, kind: 'audio' },
      { file: { artifact: film } },
      { file: { artifact: image }, kind: 'video' },
      { file: { artifact: text } },
      { file: { artifact: large } },
    ];
    expect(await faults(files)).toEqual([
      'input.workflow.custom.files.4.file.artifact: wrong_type',
      'input.workflow.custom.files.5.file.artifact: wrong_type',
      'input.workflow.custom.files.6.file.artifact: too_big',
    ]);
  });

  it("of another caller's job, of one that has expired, or of none are not told apart", async () => {
    const [mine = ''] = await made('me', [{}]);
    const [theirs = ''] = await made('you', [{}]);
    const [expired = ''] = await made('me', [{}]);
    await stores.redis.hset(stores.keys.job(expired.split(':')[0] ?? ''), 'expiresAt', Date.now() - 1_000);
    const absent = [theirs, expired, `${mine.slice(0, -1)}1`, `${randomUUID()}:0`];
    const check = createFileCheck({
      ...{ uploads: store, artifacts, store: stores.gateway, maxBytes: MAX_BYTES },
      ...{ inputOrigins: [], retentionMs: RETENTION_MS },
    });
    for (const id of absent) {
      const parameters = { graph, files: [{ node: '1', input: 'image', file: { artifact: id } }] };
      expect(await check(newJob({ caller: 'me' }), planOf(null, parameters), [])).toEqual([
        {
          path: ['files', 0, 'file', 'artifact'],
          message: 'expected the id of an artifact of a job of yours',
          code: 'not_found',
        },
      ]);
    }
    expect(await faults([{ file: { artifact: mine } }])).toEqual([]);
  });

  it('are left to the worker where storage does not answer', async () => {
    const id = await uploaded({}, null);
    const away = async () => Promise.reject(new StorageError('unavailable', 'away'));
    expect(await faults([{ file: { upload: id } }], {}, away)).toEqual([]);
    const silent: ArtifactStore['head'] = (_key, options) =>
      new Promise((_resolve, reject) =>
        options?.signal?.addEventListener('abort', () => reject(options.signal?.reason)),
      );
    expect(await faults([{ file: { upload: id } }], {}, silent)).toEqual([]);
  });

  it('are refused once they are about to be removed', async () => {
    const id = await uploaded();
    await stores.redis.zadd(stores.keys.uploads, 1, id);
    expect(await store.due(10)).toEqual([id]);
    expect(await store.retire(id)).toBe(true);
    expect(await faults([{ file: { upload: id } }])).toEqual([expect.stringMatching(/not_found$/)]);
    expect(await store.keep(id, 1000)).toBe(false);
  });

  it('are either kept or retired, never both', async () => {
    for (let i = 0; i < 50; i++) {
      const id = randomUUID();
      await store.add({ ...file, caller: 'me', id }, -1);
      const [kept, retired] = await Promise.all([store.keep(id, 60_000), store.retire(id)]);
      expect([kept, retired]).not.toEqual([true, true]);
      if (kept) expect(await store.get(id)).not.toBeNull();
    }
  });

  it('stand at their parameter where a workflow of the catalogue takes them', async () => {
    const template = {
      name: 't',
      graph,
      parameters: {
        image: { targets: [{ node: '1', input: 'image' }], file: 'image' as const },
        more: { targets: [{ node: '1', input: 'image' }], file: 'image' as const },
      },
    };
    const parameters = {
      image: { url: 'https://10.0.0.1/' },
      more: [{ url: 'https://a.de/' }, { url: 'https://10.0.0.1/' }],
    };
    const check = createFileCheck({
      uploads: store,
      artifacts,
      store: { ownArtifact: async () => null },
      inputOrigins: [],
      maxBytes: 1_000,
      retentionMs: RETENTION_MS,
    });
    const issues = await check(newJob(), planOf(template, parameters), ['input']);
    expect(issues.map((issue) => issue.path)).toEqual([
      ['input', 'image', 'url'],
      ['input', 'more', 1, 'url'],
    ]);
  });
});
