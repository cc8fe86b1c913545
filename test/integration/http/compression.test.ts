import { once } from 'node:events';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { getIntrospectionQuery } from 'graphql';
import { expect, test } from 'vitest';
import { createCompression } from '../../../src/http/graphql/compress.ts';
import { testEvent, testJob } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';

const large = getIntrospectionQuery();

/** By node:http, which leaves the body as it came. */
async function ask(port: number, query: string, headers: Record<string, string> = {}) {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path: '/graphql',
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
  });
  outgoing.end(JSON.stringify({ query }));
  const [response] = await once(outgoing, 'response');
  const { 'content-encoding': encoding, vary = '', 'content-length': length } = response.headers;
  const body = await buffer(response);
  expect(length === undefined ? body.length : Number(length)).toBe(body.length);
  return { encoding, vary, body };
}

test('a long answer is compressed for a client that asks for it, and for no other', async () => {
  const { server } = await startTestServer({ allowedOrigins: ['https://app.test'] });
  const plain = await ask(server.port, large);
  expect(plain).toMatchObject({ encoding: undefined, vary: expect.stringContaining('Accept-Encoding') });
  for (const accepted of ['gzip', 'gzip, deflate, br, zstd', '*', 'br;q=1, GZIP;q=0.5']) {
    const { encoding, vary, body } = await ask(server.port, large, { 'accept-encoding': accepted });
    expect([accepted, encoding, vary]).toEqual([accepted, 'gzip', 'Origin, Accept-Encoding']);
    expect(body.length).toBeLessThan(plain.body.length / 3);
    expect(gunzipSync(body).equals(plain.body)).toBe(true);
  }
  for (const accepted of ['', 'identity', 'br', 'gzip;q=0', `${'x,'.repeat(5_000)}gzip`]) {
    const { encoding, body } = await ask(server.port, large, { 'accept-encoding': accepted });
    expect([accepted, encoding]).toEqual([accepted, undefined]);
    expect(body.equals(plain.body)).toBe(true);
  }
});

test('a short answer, and events, are not compressed', async () => {
  const { server, services } = await startTestServer();
  const headers = { 'accept-encoding': 'gzip' };
  expect(await ask(server.port, '{ __typename }', headers)).toMatchObject({ encoding: undefined, vary: '' });
  services.feed.open('job');
  const events = ask(server.port, 'subscription { jobProgress(id: "job") { job { parameters } } }', {
    ...headers,
    accept: 'text/event-stream',
  });
  await expect.poll(() => services.feed.stats().watchers).toBe(1);
  services.feed.say('job', testEvent(2, { job: testJob({ parameters: { text: 'x'.repeat(100_000) } }) }));
  services.feed.end('job');
  const { encoding, body } = await events;
  expect(encoding).toBeUndefined();
  expect(body.length).toBeGreaterThan(100_000);
});

test('while enough is being compressed, more goes as it is, and is compressed again once there is room', async () => {
  const { compress } = createCompression();
  const text = 'answer '.repeat(10_000);
  const atOnce = await Promise.all(Array.from({ length: 5 }, () => compress(text, 'gzip')));
  expect(atOnce.map((packed) => packed !== null)).toEqual([true, true, false, false, false]);
  for (const packed of [atOnce[0], await compress(text, 'gzip')]) {
    expect(String(gunzipSync(packed ?? Buffer.of()))).toBe(text);
  }
});
