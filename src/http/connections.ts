import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createShares } from '../async/shares.ts';
import { clientAddress } from './client-address.ts';

const REFUSAL =
  'HTTP/1.1 503 Refused\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 31\r\n\r\nThere are too many connections.';

/**
 * Bounds how many connections there are at a time, busy or not; shares.ts says what one client may have of them. One
 * too many is refused before anything is read of it.
 */
export function boundConnections(server: Server, most: number): void {
  const shares = createShares(most);
  server.on('connection', (socket: Socket) => {
    const client = clientAddress({ socket });
    if (shares.take(client)) socket.once('close', () => shares.give(client));
    else socket.end(REFUSAL, () => socket.destroy());
  });
}
