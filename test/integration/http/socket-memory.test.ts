import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { queryObjects } from 'node:v8';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startTestServer } from '../../support/http-server.ts';

const HANDSHAKE = [
  'GET /graphql HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: graphql-transport-ws',
];

test('B03 sockets that are open keep nothing of the requests that opened them', async () => {
  const SOCKETS = 20;
  const { graphql } = await startTestServer();
  const { hostname, port } = new URL(graphql);
  const requests = () => queryObjects(IncomingMessage, { format: 'count' });
  const before = requests();
  for (let i = 0; i < SOCKETS; i++) {
    // A client of ws would keep the answer, which is of the same class.
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.write(`${HANDSHAKE.join('\r\n')}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toContain('101 Switching Protocols');
  }
  await vi.waitFor(() => expect(requests() - before).toBeLessThan(SOCKETS / 2));
});
