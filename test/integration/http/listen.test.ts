import { createServer } from 'node:http';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from '../../../src/http/listen.ts';
import { eventually } from '../../support/product.ts';

const host = '127.0.0.1';

test('B01 many connections are taken in a turn of the event loop', async () => {
  const server = createServer();
  let taken = 0;
  server.on('connection', () => {
    taken += 1;
  });
  const { port, close } = await listen(server, { host, port: 0, sockets: 16 });
  onTestFinished(() => close(0));
  let connected = 0;
  for (let i = 0; i < 200; i++) {
    const client = connect({ port, host }, () => {
      connected += 1;
    });
    onTestFinished(() => void client.destroy());
  }
  let most = 0;
  while (taken < 200) {
    const before = taken;
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, taken - before);
  }
  expect(most).toBeGreaterThan(4);
  await eventually(() => connected === 200, 'all are connected');
});

test('an address that is taken is told, also where several sockets share it', async () => {
  const { port, close } = await listen(createServer(), { host, port: 0, sockets: 16 });
  onTestFinished(() => close(0));
  await expect(listen(createServer(), { host, port, sockets: 16 })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('nothing listens once it is closed, and what is under way by any of the sockets ends in its time', async () => {
  let asked = 0;
  const server = createServer((_req, res) => {
    asked += 1;
    setTimeout(() => res.end('done'), 100);
  });
  const { url, port, close } = await listen(server, { host, port: 0, sockets: 16 });
  const answers = Array.from({ length: 20 }, async () => (await fetch(url)).text());
  await eventually(() => asked === 20, 'all are under way');
  const closed = close(10_000);
  const late = connect({ port, host });
  await expect(
    new Promise((resolve, reject) => {
      late.on('connect', resolve);
      late.on('error', reject);
    }),
  ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await Promise.all(answers)).toEqual(Array(20).fill('done'));
  await closed;
});
