import { expect, test } from 'vitest';
import { listTools, toolNameOf, workflowNameOf } from '../../../src/mcp/tools.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { unknownBackend } from '../../support/backends.ts';
import { shippedCatalogue } from '../../support/graph-services.ts';
import { callerNamed } from '../../support/identities.ts';
import { graph, manifest, workflowsFolder } from '../workflows/folder.ts';

const shipped = await shippedCatalogue();
const all = callerNamed('all');
const seen = (name: string, status: 'UP' | 'DOWN', models: string[]) => ({
  ...{ ...unknownBackend, name, status, models: { 'CheckpointLoaderSimple.ckpt_name': models } },
  ...{ reportedAt: 0, lastSeenAt: 0, since: 0 },
});

const catalogueOf = async (names: readonly string[], parameters: object = manifest.parameters) =>
  loadCatalogue({
    dir: await workflowsFolder(
      Object.fromEntries(
        names.flatMap((name) => [
          [`${name}/graph.json`, graph],
          [`${name}/manifest.json`, { ...manifest, parameters }],
        ]),
      ),
    ),
    maxMegapixels: 4,
  });

const namesFor = (scopes: string[]) =>
  listTools(shipped, callerNamed('x', { scopes: new Set(scopes as 'admin'[]) }), [], undefined).tools.map(
    ({ name }) => name,
  );

test('a caller sees the tools that its scopes let it use, and no others', () => {
  const workflows = shipped.workflows.map(({ name }) => name);
  expect(namesFor(['job:read', 'job:write', 'workflow:*'])).toEqual([
    'job',
    'cancel_job',
    'create_upload',
    ...workflows,
  ]);
  expect(namesFor(['job:read', 'job:write', 'workflow:upscale'])).toEqual([
    'job',
    'cancel_job',
    'create_upload',
    'upscale',
  ]);
  expect(namesFor(['job:read', 'workflow:*'])).toEqual(['job']);
  expect(namesFor(['admin'])).toEqual([]);
});

test('pages hold a hundred workflows each, and none twice though one comes and one goes between them', () => {
  const name = (i: number) => `w${String(i).padStart(3, '0')}`;
  const names = Array.from({ length: 205 }, (_, i) => name(i));
  const [one = expect.fail()] = shipped.workflows;
  const called = (them: string[]) => ({ workflows: them.map((it) => ({ ...one, name: it })), get: () => undefined });
  const first = listTools(called(names), all, [], undefined);
  expect([first.tools.length, first.nextCursor]).toEqual([103, name(99)]);
  const changed = called(['a000', ...names.filter((it) => it !== name(99))]);
  const second = listTools(changed, all, [], first.nextCursor);
  expect([second.tools[0]?.name, second.tools.length, second.nextCursor]).toEqual([name(100), 100, name(199)]);
  const third = listTools(changed, all, [], second.nextCursor);
  expect([third.tools.map((tool) => tool.name), third.nextCursor]).toEqual([names.slice(200), undefined]);
});

test('each parameter has its type, limits, choices, default and words', async () => {
  const [tool] = listTools(await catalogueOf(['kinds']), all, [], undefined).tools.slice(3);
  expect(tool?.inputSchema).toMatchObject({ type: 'object', required: ['text'], additionalProperties: false });
  expect(tool?.inputSchema.properties).toMatchObject({
    text: { type: 'string', minLength: 1, maxLength: 10, title: 'Text', description: 'd 1 to 10 characters.' },
    count: { type: 'integer', minimum: 1, maximum: 4, default: 2 },
    scale: { type: 'number', minimum: 0, maximum: 1, multipleOf: 0.1 },
    on: { type: 'boolean', default: false },
    method: { type: 'string', enum: ['FAST', 'VERY_SLOW', '_2X', 'PLUS'], default: 'FAST' },
    seed: { type: 'integer', minimum: 0, maximum: 4_294_967_295 },
    file: { type: 'string' },
    waitSeconds: { type: 'integer', maximum: 600 },
  });
});

test('the choices of a model are those of servers that are up, and its default only where one has it', () => {
  const modelAt = (backends: Parameters<typeof listTools>[2]) =>
    listTools(shipped, all, backends, undefined).tools.find(({ name }) => name === 'textToImage')?.inputSchema
      .properties;
  const usual = 'v1-5-pruned-emaonly.safetensors';
  expect(modelAt([])).not.toHaveProperty('model.enum');
  expect(modelAt([])).toHaveProperty('model.default', usual);
  const lacking = modelAt([seen('a', 'UP', ['b.ckpt', 'a.ckpt']), seen('b', 'DOWN', [usual])]);
  expect(lacking).toHaveProperty('model.enum', ['a.ckpt', 'b.ckpt']);
  expect(lacking).not.toHaveProperty('model.default');
  expect(modelAt([seen('a', 'UP', ['x', usual])])).toHaveProperty('model.default', usual);
  const many = Array.from({ length: 101 }, (_, i) => `${i}`);
  expect(modelAt([seen('a', 'UP', many)])).not.toHaveProperty('model.enum');
});

test('a workflow named as a fixed tool stays usable, and a parameter goes before an option of its name', async () => {
  expect([toolNameOf('job'), toolNameOf('portrait')]).toEqual(['job-workflow', 'portrait']);
  expect(['job-workflow', 'portrait'].map(workflowNameOf)).toEqual(['job', 'portrait']);
  const { text: waitSeconds, ...rest } = manifest.parameters;
  const catalogue = await catalogueOf(['job', 'cancel_job'], { ...rest, waitSeconds });
  const { tools } = listTools(catalogue, all, [], undefined);
  expect(new Set(tools.map(({ name }) => name)).size).toBe(5);
  expect(tools.at(-1)?.inputSchema).toMatchObject({
    properties: { waitSeconds: { type: 'string', maxLength: 10 } },
    required: ['waitSeconds'],
  });
});
