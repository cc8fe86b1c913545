import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { startTestServer } from '../../support/http-server.ts';

const MAX_BYTES = 1_000;

/** A query of just so many bytes. */
function body(bytes: number, name = 'x') {
  const whole = JSON.stringify({ query: `{ __typename } # ${name}` });
  return Buffer.from(whole + ' '.repeat(bytes - Buffer.byteLength(whole)));
}

async function send(port: number, chunks: Buffer[], announced: boolean) {
  const length = Buffer.concat(chunks).length;
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path: '/graphql',
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(announced ? { 'content-length': length } : { 'transfer-encoding': 'chunked' }),
    },
  });
  for (const chunk of chunks) outgoing.write(chunk);
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  const answer = await text(response);
  return [response.statusCode, JSON.parse(answer).errors?.[0].extensions.code ?? 'none'];
}

describe.each([
  ['announced by Content-Length', true],
  ['in chunks', false],
])('a body %s', (_how, announced) => {
  test('of as many bytes as are allowed is taken, of one more it is refused', async () => {
    const { server } = await startTestServer({ maxBodyBytes: MAX_BYTES });
    const tooLarge = [413, 'LIMIT_EXCEEDED'];
    expect(await send(server.port, [body(MAX_BYTES)], announced)).toEqual([200, 'none']);
    expect(await send(server.port, [body(MAX_BYTES + 1)], announced)).toEqual(tooLarge);
    const halves = (whole: Buffer) => [whole.subarray(0, 500), whole.subarray(500)];
    expect(await send(server.port, halves(body(MAX_BYTES)), announced)).toEqual([200, 'none']);
    expect(await send(server.port, halves(body(MAX_BYTES + 1)), announced)).toEqual(tooLarge);
  });

  test('is measured in bytes, not in characters', async () => {
    const { server } = await startTestServer({ maxBodyBytes: MAX_BYTES });
    const name = 'é'.repeat(400);
    expect(await send(server.port, [body(MAX_BYTES, name)], announced)).toEqual([200, 'none']);
    expect((await send(server.port, [body(MAX_BYTES + 1, name)], announced))[0]).toBe(413);
  });
});

test('a body that is announced to be larger than is worth reading is refused unread', async () => {
  const { server } = await startTestServer({ maxBodyBytes: MAX_BYTES });
  const socket = connect(server.port, '127.0.0.1');
  const length = MAX_BYTES + 16 * 1024 * 1024 + 1;
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n{`,
  );
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 413 /);
  socket.destroy();
});

describe('brackets within one another', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  /** The body itself is one level, its variables another. */
  const levels = (depth: number) => `{"query":"{__typename}","variables":{"a":${nested(depth - 2)}}}`;

  test('are as many as are allowed, and not one more', async () => {
    const { post } = await startTestServer();
    expect((await post(levels(100))).status).toBe(200);
    const refused = await post(levels(101));
    expect(refused.status).toBe(400);
    expect((await refused.json()).errors[0].extensions.code).toBe('LIMIT_EXCEEDED');
  });

  test('are counted outside of texts, wherever those end', async () => {
    const { post } = await startTestServer();
    const within = (text: string, more = '') => `{"query":"{__typename}","variables":{"a":${text}${more}}}`;
    expect((await post(within(JSON.stringify(`"${nested(200)}`)))).status).toBe(200);
    expect((await post(within(JSON.stringify(`\\${nested(200)}`)))).status).toBe(200);
    const behind = await post(within(JSON.stringify('\\'), `,"b":${nested(200)}`));
    expect((await behind.json()).errors[0].extensions.code).toBe('LIMIT_EXCEEDED');
  });
});

test.each(['gzip', 'br', 'Identity, gzip'])(
  'a body with Content-Encoding %s is 415, whatever it holds',
  async (encoding) => {
    const { post } = await startTestServer();
    const query = { query: '{ __typename }' };
    expect((await post(query, { 'content-encoding': encoding })).status).toBe(415);
    expect((await post(query, { 'content-encoding': 'identity' })).status).toBe(200);
  },
);
