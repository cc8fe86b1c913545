import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createShares } from '../async/shares.ts';
import { clientAddress } from './client-address.ts';

/**
 * Of one connection, that are under way at a time: hardly anybody sends the next before the last is answered, and
 * whoever reads no answers would have all of them made.
 */
const MAX_PIPELINED = 32;

const REFUSAL = [
  'HTTP/1.1 503 Refused',
  'Retry-After: 10',
  'Connection: close',
  'Content-Length: 31',
  '',
  'There are too many connections.',
].join('\r\n');

export interface Connections {
  /** False: more requests are under way on its connection than may be, which has been cut. */
  admit(req: IncomingMessage, res: ServerResponse): boolean;
}

/**
 * Bounds how many connections a server has at a time, busy or not; shares.ts says what one client may have of them. One
 * too many is refused before anything is read of it.
 */
export function boundConnections(server: Server, most: number): Connections {
  const shares = createShares(most);
  const underWay = new WeakMap<Socket, number>();
  server.on('connection', (socket: Socket) => {
    const client = clientAddress({ socket });
    if (shares.take(client)) socket.once('close', () => shares.give(client));
    else socket.end(REFUSAL, () => socket.destroy());
  });
  return {
    admit({ socket }, res) {
      const count = (underWay.get(socket) ?? 0) + 1;
      if (count > MAX_PIPELINED) socket.destroy();
      // Of what has come with the requests before it, all is parsed.
      if (socket.destroyed) return false;
      underWay.set(socket, count);
      res.once('close', () => underWay.set(socket, (underWay.get(socket) ?? 1) - 1));
      return true;
    },
  };
}
