import { once } from 'node:events';
import { Server } from 'node:http';
import { connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { collectGarbage } from '../../support/collect-garbage.ts';
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

/** The requests of all servers that ask for another protocol, as long as somebody holds them. */
function followUpgrades() {
  const upgrades: WeakRef<object>[] = [];
  const { emit } = Server.prototype;
  onTestFinished(() => {
    Server.prototype.emit = emit;
  });
  Server.prototype.emit = function (this: Server, name: string | symbol, ...args: unknown[]) {
    if (name === 'upgrade') upgrades.push(new WeakRef(Object(args[0])));
    return Reflect.apply(emit, this, [name, ...args]);
  };
  return upgrades;
}

test('B03 sockets that are open keep nothing of the requests that opened them', async () => {
  const SOCKETS = 20;
  const { graphql } = await startTestServer();
  const { hostname, port } = new URL(graphql);
  const upgrades = followUpgrades();
  for (let i = 0; i < SOCKETS; i++) {
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.write(`${HANDSHAKE.join('\r\n')}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toContain('101 Switching Protocols');
  }
  expect(upgrades).toHaveLength(SOCKETS);
  await vi.waitFor(() => {
    collectGarbage();
    // The last one may still be on the stack of its server.
    expect(upgrades.filter((request) => request.deref()).length).toBeLessThan(2);
  }, 5_000);
});
