import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { type BoundUse, createShares } from '../async/shares.ts';
import { clientAddress } from './client-address.ts';
import { HttpFault, refuseConnection } from './reply.ts';

export interface Connections {
  /** False: its connection has been cut, which has more requests under way than it may. */
  admit(req: IncomingMessage, res: ServerResponse): boolean;
  /** Of connections, and of requests that are not answered yet. */
  use(): { connections: BoundUse; requests: BoundUse };
}

/**
 * Requests of one connection that are under way: hardly anybody sends the next before the last is answered, and whoever
 * reads no answers would have all of them made.
 */
const MAX_PIPELINED = 32;

/**
 * Bounds how many connections a server has at a time, busy or not, and as many requests that are not answered yet;
 * shares.ts says what one client may have of them. A connection too many is refused before anything is read of it, one
 * that brings a request too many is cut.
 */
export function boundConnections(server: Server, most: number): Connections {
  const shares = createShares(most);
  const requests = createShares(most);
  /** Of each that was let in, the requests that are not answered yet: several where they were sent in one piece. */
  const connections = new WeakMap<Socket, Set<ServerResponse>>();

  const isTls = server instanceof TlsServer;

  server.on('connection', (socket: Socket) => {
    const client = clientAddress({ socket });
    if (shares.take(client)) {
      socket.once('close', () => shares.give(client));
      return;
    }
    // Before the handshake no answer would be understood.
    if (isTls) socket.destroy();
    else refuseConnection(socket, tooManyConnections());
  });

  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    if (socket.writableEnded || socket.destroyed) return;
    const answers = new Set<ServerResponse>();
    connections.set(socket, answers);
    socket.once('close', () => {
      // Node closes none that waits behind another one where the last request was an upgrade or CONNECT: what they have
      // taken would never be given back.
      for (const res of answers) res.destroy();
    });
  });

  return {
    use: () => ({ connections: shares.use(), requests: requests.use() }),
    admit(req, res) {
      const { socket } = req;
      const answers = connections.get(socket);
      // Of a connection that was cut, all is parsed that has come with the requests before.
      if (!answers || socket.destroyed) return false;
      const client = clientAddress(req);
      if (answers.size >= MAX_PIPELINED || !requests.take(client)) {
        socket.destroy();
        return false;
      }
      answers.add(res);
      res.once('close', () => {
        answers.delete(res);
        requests.give(client);
      });
      return true;
    },
  };
}

function tooManyConnections(): HttpFault {
  return new HttpFault(503, 'LIMIT_EXCEEDED', 'There are too many connections.', { 'Retry-After': '10' });
}
