import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fetchUrl } from '../../../worker/inputs/fetch-url.ts';

/** Counts who connects to loopback. */
async function listen() {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, connections: () => connections };
}

async function options(addresses: string[][]) {
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-fetch-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const asked: string[] = [];
  return {
    asked,
    dir,
    maxBytes: 1000,
    origins: [],
    signal: AbortSignal.timeout(20_000),
    async resolve(hostname: string) {
      asked.push(hostname);
      const found = addresses[Math.min(asked.length, addresses.length) - 1] ?? [];
      return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  };
}

test.each([
  ['loopback', ['127.0.0.1']],
  ['loopback in IPv6', ['::1']],
  ['the metadata of a cloud', ['169.254.169.254']],
  ['an address in IPv6 clothes', ['::ffff:127.0.0.1']],
  ['a public address and an inner one', ['8.8.8.8', '10.0.0.1']],
  ['nothing', []],
])('A31 a name that leads to %s is not asked', async (_name, addresses) => {
  const { port, connections } = await listen();
  const given = await options([addresses]);
  const error = await fetchUrl(`https://files.example.com:${port}/a`, given).catch((cause) => cause);
  expect(error).toMatchObject({
    name: 'InputFault',
    transient: false,
    message: 'An input file is not where it may be',
  });
  expect(given.asked).toEqual(['files.example.com']);
  expect(connections()).toBe(0);
});

test('A31 a name is resolved once for a connection, so that it cannot change after the check', async () => {
  const { port, connections } = await listen();
  const given = { ...(await options([['192.0.2.1'], ['127.0.0.1']])), signal: AbortSignal.timeout(3_000) };
  await expect(fetchUrl(`https://files.example.com:${port}/a`, given)).rejects.toMatchObject({ name: 'InputFault' });
  expect(given.asked).toHaveLength(1);
  expect(connections()).toBe(0);
});

test('a name that cannot be resolved, or a certificate that is not right, may be mended', async () => {
  const given = await options([[]]);
  const resolve = async () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
  const error = await fetchUrl('https://files.example.com/', { ...given, resolve }).catch((cause) => cause);
  expect(error).toMatchObject({ name: 'InputFault', transient: true });
  expect(error.message).not.toContain('name');
  expect(await readdir(given.dir)).toEqual([]);
});

test('the reason of the signal is what it rejects with', async () => {
  const given = await options([['127.0.0.1']]);
  const reason = new Error('over');
  const signal = AbortSignal.abort(reason);
  await expect(fetchUrl('https://files.example.com/', { ...given, signal })).rejects.toBe(reason);
});
