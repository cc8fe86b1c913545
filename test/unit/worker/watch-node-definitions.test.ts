import { beforeEach, expect, test, vi } from 'vitest';
import type { NodeDefinitions } from '../../../src/core/node-definitions.ts';
import type { NodeReplacements } from '../../../src/core/node-replacements.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { createNodeDefinitionsWatch } from '../../../worker/pool/watch-node-definitions.ts';
import { testLog } from '../../support/graph-services.ts';

const save = { Save: { input: { required: { images: ['IMAGE', {}] } }, output_node: true } };
const load = (...models: string[]) => ({ Load: { input: { required: { name: [models, {}] } } } });
const classes = (...models: string[]) => objectInfoSchema.parse({ ...save, ...load(...models) });

let server: NodeDefinitions | Error;
let replacements: NodeReplacements;
let published: NodeDefinitions[];
let publishing: Error | null;
let reads: number;

beforeEach(() => {
  server = classes('a');
  replacements = new Map();
  published = [];
  publishing = null;
  reads = 0;
});

function watch() {
  const { log } = testLog();
  return createNodeDefinitionsWatch({
    client: {
      async objectInfo() {
        reads++;
        if (server instanceof Error) throw server;
        return new Map(server);
      },
      nodeReplacements: async () => replacements,
    },
    async publish(nodeDefinitions) {
      if (publishing) throw publishing;
      published.push(nodeDefinitions);
      return `hash ${published.length}`;
    },
    signal: new AbortController().signal,
    log,
  });
}

test('the whole is read and published once, however often the server is looked at', async () => {
  const watched = watch();
  expect([watched.nodeDefinitions, watched.outputClasses, watched.hash]).toEqual([null, null, null]);
  await Promise.all([watched.look(), watched.look()]);
  await watched.look();
  expect(watched.nodeDefinitions).toEqual(classes('a'));
  expect(watched.outputClasses).toEqual(new Set(['Save']));
  expect([watched.hash, reads, published]).toEqual(['hash 1', 1, [classes('a')]]);
});

test('a model that was installed meanwhile is published, with all the rest', async () => {
  const watched = watch();
  await watched.look();
  watched.merge(objectInfoSchema.parse(load('a')));
  await watched.look();
  expect(published).toHaveLength(1);
  watched.merge(objectInfoSchema.parse(load('a', 'b')));
  await watched.look();
  expect([watched.hash, reads, published.at(-1)]).toEqual(['hash 2', 1, classes('a', 'b')]);
});

test('it is read anew after five minutes, and published so that it is kept for longer', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  const watched = watch();
  await watched.look();
  now.mockReturnValue(299_000);
  await watched.look();
  expect(reads).toBe(1);
  now.mockReturnValue(301_000);
  await watched.look();
  expect([reads, published.length]).toEqual([2, 2]);
  now.mockRestore();
});

test('it is read anew after a restart, also one in the middle of reading', async () => {
  const watched = watch();
  await watched.look();
  server = classes('b');
  watched.restarted();
  const looking = watched.look();
  watched.restarted();
  await looking;
  expect(watched.nodeDefinitions).toEqual(classes('b'));
  server = classes('c');
  await watched.look();
  await watched.look();
  expect([watched.nodeDefinitions, reads]).toEqual([classes('c'), 3]);
});

test('a failure leaves what is known and is tried again with the next look', async () => {
  server = new Error('not reached');
  const watched = watch();
  await watched.look();
  expect([watched.nodeDefinitions, watched.hash]).toEqual([null, null]);
  server = classes('a');
  publishing = new Error('no Redis');
  await watched.look();
  expect([watched.nodeDefinitions, watched.hash]).toEqual([classes('a'), null]);
  publishing = null;
  await watched.look();
  expect([watched.hash, reads]).toEqual(['hash 1', 2]);
});

test('old names of classes are published with the rest, with the lists of their replacements', async () => {
  replacements = new Map([['OldLoad', { to: 'Load', inputs: [{ new_id: 'name', old_id: 'old_name' }] }]]);
  const watched = watch();
  await watched.look();
  watched.merge(objectInfoSchema.parse(load('a', 'b')));
  await watched.look();
  expect(published.map((each) => each.get('OldLoad')?.inputs.get('old_name')?.spec)).toEqual([
    { kind: 'COMBO', options: ['a'] },
    { kind: 'COMBO', options: ['a', 'b'] },
  ]);
});
