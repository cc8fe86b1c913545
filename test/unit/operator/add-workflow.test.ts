import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { v7 } from 'uuid';
import { expect, onTestFinished, test } from 'vitest';
import { followWorkflows } from '../../../src/app/follow-workflows.ts';
import { unauthenticated } from '../../../src/core/errors.ts';
import type { AuditEntry } from '../../../src/observability/audit.ts';
import { type AddWorkflowRequest, createWorkflowAdder } from '../../../src/operator/add-workflow.ts';
import type { Upload } from '../../../src/uploads/upload.ts';
import { keepStockNodeDefinitions } from '../../../src/workflows/stock-node-definitions.ts';
import { testLog } from '../../support/graph-services.ts';
import { callerNamed } from '../../support/identities.ts';
import { fileOf, pngWith, tEXt } from '../../support/media-with-texts.ts';
import { workflowsFolder } from '../workflows/folder.ts';

const recorded = new URL('../../comfyui/recorded/workflows/30_text_to_image.json', import.meta.url);
const graph = JSON.parse(await readFile(recorded, 'utf8'));
const admin = callerNamed('admin');
const stock = keepStockNodeDefinitions();

/** The use case on a folder that is followed as by a gateway, and a storage that holds these files. */
async function open(files: (Omit<Upload, 'id'> & { id?: string; bytes: Buffer | null })[] = [], dir?: string) {
  const folder = dir ?? (await workflowsFolder({}));
  const { log } = testLog();
  const shutdown = { add: (_name: string, close: () => unknown) => onTestFinished(() => void close()) };
  const config = { workflowsDir: folder, jobs: { maxMegapixels: 4 } } as Parameters<typeof followWorkflows>[0];
  const followed = dir
    ? null
    : await followWorkflows(config, { log, shutdown: shutdown as never }, { setBrokenWorkflows: () => 0 });
  const entries: AuditEntry[] = [];
  const adder = createWorkflowAdder({
    dir: folder,
    maxMegapixels: 4,
    untilOffered: followed?.untilOffered ?? (async (workflow) => workflow),
    nodeDefinitions: { tryRead: async () => null },
    stock,
    uploads: { get: async (id) => (files.find((file) => file.id === id) as Upload) ?? null },
    artifacts: {
      async read(key) {
        const bytes = files.find(({ id }) => key === `uploads/${id}`)?.bytes;
        return bytes ? Readable.from([bytes]) : null;
      },
    },
    audit: { record: (entry) => void entries.push(entry), flushed: async () => undefined },
    onRedisDown: () => expect.fail(),
  });
  const add = (request: Partial<AddWorkflowRequest>) =>
    adder.add({
      ...{ identity: admin, requestId: 'r', source: { graph }, name: null, replace: false },
      signal: new AbortController().signal,
      ...request,
    });
  return { add, folder, entries, catalogue: followed?.catalogue };
}

const picture = async () => readFile(await fileOf('made.png', await pngWith(tEXt('prompt', JSON.stringify(graph)))));
const upload = (changes: object = {}) => ({
  ...{ id: v7(), caller: 'admin', filename: 'A lighthouse (1).png', contentType: 'image/png', sizeBytes: 100 },
  bytes: null,
  ...changes,
});

test('a graph is a workflow of the catalogue by the time of the answer, and replaced only when told', async () => {
  const { add, catalogue, entries } = await open();
  const { workflow } = await add({ name: 'portrait' });
  expect(catalogue?.get('portrait')).toBe(workflow);
  expect(workflow.parameters.map(({ name }) => name)).toContain('prompt');
  await expect(add({ name: 'portrait' })).rejects.toMatchObject({ details: { code: 'CONFLICT' } });
  const mended = structuredClone(graph);
  const sampler = Object.values<{ class_type: string; inputs: object }>(mended).find((it) => 'steps' in it.inputs);
  Object.assign(sampler?.inputs ?? {}, { steps: 7 });
  const replaced = await add({ name: 'portrait', source: { graph: mended }, replace: true });
  expect(catalogue?.get('portrait')).toBe(replaced.workflow);
  expect(replaced.workflow.parameters.find(({ name }) => name === 'steps')?.default).toBe(7);
  expect(entries).toEqual([
    expect.objectContaining({ action: 'addWorkflow', outcome: 'done', workflow: 'portrait', caller: 'admin' }),
    expect.objectContaining({ action: 'addWorkflow', outcome: 'refused', code: 'CONFLICT' }),
    expect.objectContaining({ action: 'addWorkflow', outcome: 'done', requestId: 'r' }),
  ]);
});

test('a picture brings its workflow, and a name by that of its file', async () => {
  const made = upload({ bytes: await picture() });
  const { add, entries } = await open([made]);
  const { workflow, notes } = await add({ source: { upload: made.id } });
  expect(workflow.name).toBe('aLighthouse1');
  expect(notes.join()).toContain('prompt');
  expect(entries).toMatchObject([{ workflow: 'aLighthouse1', uploadId: made.id, outcome: 'done' }]);
});

test('what cannot be an upload of the caller’s, or has no workflow in it, is an issue', async () => {
  const theirs = upload({ caller: 'another', bytes: await picture() });
  const [absent, large] = [upload(), upload({ sizeBytes: 65 * 1024 * 1024 })];
  const plain = upload({ bytes: await pngWith() });
  const { add, folder } = await open([theirs, absent, large, plain], await workflowsFolder({}));
  const codeOf = (id: string) =>
    add({ source: { upload: id } }).then(
      () => 'added',
      ({ details }) =>
        details.issues.map((issue: { path: string[]; code: string }) => `${issue.path.join('.')} ${issue.code}`),
    );
  const at = 'input.source.upload';
  expect(await codeOf(theirs.id)).toEqual([`${at} not_found`]);
  expect(await codeOf('../../etc/passwd')).toEqual([`${at} not_found`]);
  expect(await codeOf(absent.id)).toEqual([`${at} not_uploaded`]);
  expect(await codeOf(large.id)).toEqual([`${at} too_big`]);
  expect(await codeOf(plain.id)).toEqual([`${at} invalid_workflow`]);
  expect(await readdir(folder)).toEqual([]);
});

test('what a file lacks are issues, each class and node by its name', async () => {
  const { add, folder } = await open([], await workflowsFolder({}));
  const nodes = [
    { id: 1, type: 'NoSuchClass', inputs: [], outputs: [] },
    { id: 2, type: 'NorThis', inputs: [], outputs: [] },
  ];
  const editor = { nodes, links: [], version: 0.4 };
  await expect(add({ source: { graph: editor }, name: 'x' })).rejects.toMatchObject({
    details: {
      code: 'BAD_USER_INPUT',
      issues: [
        { path: ['input', 'source', 'graph'], code: 'invalid_workflow', message: expect.stringMatching(/NoSuchClass/) },
        { path: ['input', 'source', 'graph'], code: 'invalid_workflow', message: expect.stringMatching(/NorThis/) },
      ],
    },
  });
  await expect(add({})).rejects.toMatchObject({ details: { issues: [{ path: ['input', 'name'], code: 'required' }] } });
  const nothing = add({ source: { graph: 'no workflow' }, name: 'x' });
  await expect(nothing).rejects.toMatchObject({ details: { issues: [{ code: 'invalid_workflow' }] } });
  await expect(nothing).rejects.not.toThrow(folder);
});

test.each(['../up', '..', '.', '/etc/x', 'a/b', 'a\\b', 'a\0b', '.hidden', 'a b', '', '__proto__', 'x\n', 'custom'])(
  'a name such as %j is refused, and nothing is written',
  async (name) => {
    const { add, folder } = await open([], await workflowsFolder({}));
    await expect(add({ name })).rejects.toMatchObject({
      details: { issues: [{ path: ['input', 'name'], code: 'invalid_format' }] },
    });
    expect(await readdir(folder)).toEqual([]);
  },
);

test('of several that add the same name at once one does, and the others are told', async () => {
  const { add, folder } = await open([], await workflowsFolder({}));
  const all = await Promise.allSettled(Array.from({ length: 4 }, () => add({ name: 'same' })));
  expect(all.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
  expect((await readdir(folder)).sort()).toEqual(['manifest.schema.json', 'same']);
});

test('a client that leaves is no fault of the gateway, and what was added for it stays', async () => {
  const { add, folder, entries } = await open();
  const leaving = new AbortController();
  const adding = add({ name: 'portrait', signal: leaving.signal });
  const waiting = add({ name: 'other', signal: leaving.signal });
  await expect.poll(() => readdir(folder)).toContain('portrait');
  leaving.abort();
  const left = { status: 'rejected', reason: { details: { code: 'UNAVAILABLE' } } };
  expect(await Promise.allSettled([adding, waiting])).toMatchObject([left, left]);
  expect(entries.map(({ outcome, code }) => [outcome, code]).sort()).toEqual([
    ['done', undefined],
    ['refused', 'UNAVAILABLE'],
  ]);
});

test('one whose key ends is told so', async () => {
  const { add } = await open();
  const ended = new AbortController();
  const waiting = add({ name: 'portrait', signal: ended.signal });
  ended.abort(unauthenticated());
  await expect(waiting).rejects.toMatchObject({ details: { code: 'UNAUTHENTICATED' } });
});

test('so many wait to be added, and no more', async () => {
  const { add } = await open([], await workflowsFolder({}));
  const all = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => add({ name: `w${i}` })));
  const refused = all.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  expect(refused).toMatchObject([{ details: { code: 'UNAVAILABLE', retryAfter: 5 } }]);
});

test('a folder that cannot be written, or is full, is said so, with what to do instead', async () => {
  const dir = await workflowsFolder({ 'a-file': '' });
  const nowhere = await open([], join(dir, 'a-file', 'workflows'));
  await expect(nowhere.add({ name: 'x' })).rejects.toMatchObject({
    message: expect.stringContaining('comfygate workflow add'),
    details: { code: 'FORBIDDEN' },
  });
  const full = await workflowsFolder({});
  for (let i = 0; i < 1_000; i++) await mkdir(join(full, `w${i}`));
  const { add } = await open([], full);
  await expect(add({ name: 'x' })).rejects.toMatchObject({ details: { code: 'LIMIT_EXCEEDED' } });
  await writeFile(join(full, 'w0', 'graph.json'), '{}');
  await expect(add({ name: 'W0' })).rejects.toMatchObject({ details: { code: 'LIMIT_EXCEEDED' } });
  expect((await add({ name: 'w0', replace: true })).workflow.name).toBe('w0');
});
