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
