import { expect, onTestFinished, test } from 'vitest';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { createComfyHttp } from '../../../worker/comfyui/http.ts';
import type { ComfySocket } from '../../../worker/comfyui/socket.ts';
import { createPlacedFiles } from '../../../worker/inputs/placed-files.ts';
import type { Backend } from '../../../worker/pool/backend.ts';

const KEPT = 1_000;

/** A server, with what its socket says when it is connected anew. */
function start() {
  const openings = new Set<() => void>();
  const socket: ComfySocket = {
    listen: () => ({ [Symbol.dispose]() {} }),
    open: true,
    onOpen(handler) {
      openings.add(handler);
      return { [Symbol.dispose]: () => void openings.delete(handler) };
    },
    opened: async () => undefined,
    suspect() {},
    close: async () => undefined,
  };
  const http = createComfyHttp('http://127.0.0.1:1');
  onTestFinished(() => http.close());
  const backend: Backend = {
    name: 'a',
    client: createComfyClient(http),
    socket,
    socketAs: () => socket,
    outputClasses: () => null,
    nodeDefinitions: () => null,
  };
  const files = createPlacedFiles();
  const sent: string[] = [];
  const { signal } = new AbortController();
  const ensure = (sha256: string) =>
    files.ensure(backend, sha256, signal, async () => {
      sent.push(sha256);
      return `name of ${sha256}`;
    });
  const reconnect = () => {
    for (const tell of openings) tell();
  };
  return { ensure, sent: () => sent.splice(0), reconnect };
}

test('a thousand files of a server are known, and the one that was used longest ago is sent again', async () => {
  const { ensure, sent } = start();
  for (let i = 0; i < KEPT; i++) await ensure(`file ${i}`);
  expect(sent()).toHaveLength(KEPT);
  expect(await ensure('file 0')).toBe('name of file 0');
  await ensure('one more');
  expect(sent()).toEqual(['one more']);
  await ensure('file 0');
  expect(sent()).toEqual([]);
  await ensure('file 1');
  expect(sent()).toEqual(['file 1']);
});

test('none is known of a server that was connected to anew: it may have another folder', async () => {
  const { ensure, sent, reconnect } = start();
  await ensure('file');
  reconnect();
  await ensure('file');
  expect(sent()).toEqual(['file', 'file']);
});
