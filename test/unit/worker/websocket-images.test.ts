import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Graph } from '../../../src/core/graph.ts';
import type { PromptMessage } from '../../../worker/comfyui/messages.ts';
import { collectWebsocketImages } from '../../../worker/outputs/websocket-images.ts';

const graph: Graph = {
  '1': { class_type: 'EmptyImage', inputs: {} },
  '2': { class_type: 'SaveImageWebsocket', inputs: { images: ['1', 0] } },
  '3': { class_type: 'SaveImageWebsocket', inputs: { images: ['1', 0] } },
};
const prompt_id = 'mine';
const start: PromptMessage = { type: 'execution_start', data: { prompt_id } };
const end: PromptMessage = { type: 'execution_success', data: { prompt_id } };
const executing = (node: string): PromptMessage => ({ type: 'executing', data: { prompt_id, node } });
const progress = (node: string, value: number, max: number): PromptMessage => ({
  type: 'progress',
  data: { prompt_id, node, value, max },
});
const finished = (id: string): PromptMessage => ({
  type: 'progress_state',
  data: { prompt_id, nodes: { [id]: { value: 1, max: 1, state: 'finished' } } },
});

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'comfygate-images-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const collect = () => collectWebsocketImages(graph, dir);
type Collector = ReturnType<typeof collect>;

function hear(images: Collector, ...messages: PromptMessage[]) {
  for (const message of messages) images.onMessage(message);
}

/** As ComfyUI does it: each picture comes before its step. */
function send(images: Collector, node: string, names: string[], max = names.length) {
  for (const [value, name] of names.entries()) {
    images.onFrame(node, Buffer.from(name));
    images.onMessage(progress(node, value, max));
  }
}

async function read(images: Collector) {
  return await Promise.all(
    (await images.images()).map(async ({ node, file }) => `${node} ${await readFile(file.path, 'utf8')}`),
  );
}

const { signal } = new AbortController();

describe('pictures over the socket', () => {
  test('are kept in order, node by node; frames of other nodes are not', async () => {
    await using images = collect();
    hear(images, start, executing('3'));
    send(images, '3', ['c', 'd']);
    images.onFrame('1', Buffer.from('a preview'));
    hear(images, executing('2'));
    send(images, '2', ['a', 'b']);
    hear(images, end);
    expect(await read(images)).toEqual(['2 a', '2 b', '3 c', '3 d']);
    expect(images.missing(null)).toEqual([]);
  });

  test('of a node that did not run are not missed', async () => {
    await using images = collect();
    hear(images, start, executing('2'));
    send(images, '2', ['a']);
    hear(images, end);
    expect(images.missing(null)).toEqual([]);
  });

  test('of any class that makes results: PNG, and others that no preview would be; previews are not', async () => {
    const made: Graph = {
      s: { class_type: 'Sampler and saver', inputs: {} },
      w: { class_type: 'SendImageWebSocket', inputs: {} },
      k: { class_type: 'KSampler', inputs: {} },
    };
    await using images = collectWebsocketImages(made, dir, () => new Set(['Sampler and saver', 'SendImageWebSocket']));
    const png = (name: string) => Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.from(name)]);
    const jpeg = Buffer.from([0xff, 0xd8, 0xff, 1]);
    hear(images, start, executing('s'), progress('s', 1, 20));
    // A sampler's previews, as ComfyUI sends them and as custom nodes do.
    expect(images.onFrame('s', jpeg)).toBe(false);
    expect(images.onFrame('s', jpeg, true)).toBe(false);
    expect(images.onFrame('s', png('made'))).toBe(true);
    hear(images, executing('w'));
    expect(images.onFrame('w', png('sent'), true)).toBe(true);
    expect(images.onFrame('w', jpeg, true)).toBe(true);
    expect(images.onFrame('w', Buffer.from('no picture'), true)).toBe(false);
    hear(images, executing('k'));
    expect(images.onFrame('k', png('preview'), true)).toBe(false);
    expect(images.onFrame('gone', png('x'), true)).toBe(false);
    hear(images, end);
    expect((await images.images()).map(({ node, extension }) => `${node} ${extension}`)).toEqual([
      's png',
      'w png',
      'w jpeg',
    ]);
    expect(images.missing(null)).toEqual([]);
  });

  test('are results of nodes that nothing is taken from while nobody knows which classes make results', async () => {
    const made: Graph = {
      k: { class_type: 'KSampler', inputs: {} },
      w: { class_type: 'SendImageWebSocket', inputs: { images: ['k', 0] } },
    };
    await using images = collectWebsocketImages(made, dir, () => null);
    const png = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
    expect([images.onFrame('k', png), images.onFrame('w', png)]).toEqual([false, true]);
  });

  test('are missed of a node that says how many it sent, or during whose pictures the socket broke', async () => {
    await using images = collectWebsocketImages(
      { w: { class_type: 'SendImageWebSocket', inputs: {} }, p: { class_type: 'PreviewImage', inputs: {} } },
      dir,
      () => new Set(['SendImageWebSocket', 'PreviewImage']),
    );
    const png = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
    hear(images, start, executing('w'));
    images.onFrame('w', png, true);
    hear(images, end);
    expect(images.missing(null, new Map([['w', 1]]))).toEqual([]);
    expect(images.missing(null, new Map([['w', 2]]))).toEqual(['w']);
    expect(images.missing(new Map([['p', null]]), new Map([['w', 2]]))).toEqual([]);

    images.restart();
    hear(images, start, executing('w'));
    images.onFrame('w', png, true);
    images.onReconnect();
    hear(images, end);
    expect(images.missing(null)).toEqual(['w']);

    // Where none came and none was announced there is nothing to miss, and nobody to wait for.
    images.restart();
    images.onReconnect();
    expect(images.missing(null)).toEqual([]);
    await images.settle(signal);
  });

  test('are missed when fewer came than were announced, or their beginning or end was not heard', async () => {
    await using images = collect();
    hear(images, start, executing('2'));
    send(images, '2', ['a', 'b'], 3);
    hear(images, end);
    expect(images.missing(null)).toEqual(['2']);

    images.restart();
    hear(images, executing('3'));
    send(images, '3', ['a']);
    hear(images, finished('3'), end);
    expect(images.missing(null)).toEqual(['2']);
    expect(images.missing(new Map([['3', null]]))).toEqual([]);
    expect(images.missing(new Map([['1', null]]))).toEqual([]);

    images.restart();
    hear(images, start, executing('2'));
    send(images, '2', ['a']);
    expect(images.missing(null)).toEqual(['2', '3']);
  });

  test('are missed after a break of the socket, but not those of a node that was over or began later', async () => {
    await using images = collect();
    hear(images, start, executing('2'));
    send(images, '2', ['a']);
    images.onReconnect();
    send(images, '2', ['b']);
    hear(images, end);
    expect(images.missing(null)).toEqual(['2', '3']);

    images.restart();
    hear(images, start, executing('2'));
    send(images, '2', ['a']);
    hear(images, finished('2'));
    images.onReconnect();
    hear(images, executing('3'));
    send(images, '3', ['b']);
    hear(images, end);
    expect(images.missing(null)).toEqual([]);
    expect(await read(images)).toEqual(['2 a', '3 b']);
  });

  test('wait for the end that the socket tells, and only for a while', async () => {
    await using images = collect();
    hear(images, start, executing('2'));
    const settled = images.settle(signal);
    send(images, '2', ['late']);
    hear(images, end);
    await settled;
    await images.settle(signal);
    expect(await read(images)).toEqual(['2 late']);
    images.restart();
    const abort = new AbortController();
    const waiting = images.settle(abort.signal);
    abort.abort(new Error('lease lost'));
    await expect(waiting).rejects.toThrow('lease lost');
    await expect(images.settle(signal)).resolves.toBeUndefined();
  });

  test('leave nothing behind, neither after another prompt nor at the end', async () => {
    const images = collect();
    send(images, '2', ['a', 'b']);
    await images.images();
    expect(await readdir(dir)).toHaveLength(2);
    images.restart();
    send(images, '2', ['c']);
    expect(await read(images)).toEqual(['2 c']);
    send(images, '3', ['d']);
    await images[Symbol.asyncDispose]();
    expect(await readdir(dir)).toEqual([]);
  });
});
