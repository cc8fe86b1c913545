import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { GraphServices } from '../../graphql/context.ts';
import type { Engine } from '../../graphql/engine/engine.ts';
import { clientAddress } from '../client-address.ts';
import { HttpFault } from '../reply.ts';
import { createSocketOperations, type SocketOwner } from './socket-operations.ts';

export interface WebSocketLimits {
  maxFrameBytes: number;
  maxSockets: number;
  /** Operations that one socket has open at a time. */
  maxOperations: number;
  /** A client that has not said connection_init by then is closed with 4408. */
  initTimeoutMs: number;
  /** How often sockets are pinged. One that has not answered by the next ping is cut. */
  pingIntervalMs: number;
}

const defaults: WebSocketLimits = {
  maxFrameBytes: 256 * 1024,
  maxSockets: 10_000,
  maxOperations: 100,
  initTimeoutMs: 5_000,
  pingIntervalMs: 12_000,
};

export interface WebSocketOptions {
  engine: Engine;
  services: GraphServices;
  log: Logger;
  limits?: Partial<WebSocketLimits> | undefined;
}

export interface WebSocketHandler {
  /** Takes over a connection whose Host and Origin have been checked. Throws HttpFault when it may not. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, who: { requestId: string; caller: string }): void;
  sockets(): number;
  /** Closes every socket with 1001, upon which clients connect elsewhere; after `graceMs` those left are cut. */
  close(graceMs: number): Promise<void>;
}

/** Resolves when the bytes are with the operating system, so that a slow client holds up its own events and no more. */
function sendTo(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    // What cannot be sent is not missed: the socket is on its way out, which ends its operations.
    if (socket.readyState !== socket.OPEN) resolve();
    else socket.send(text, () => resolve());
  });
}

/** GraphQL over WebSocket by the protocol graphql-transport-ws: subscriptions and queries. */
export function createWebSocketHandler({ engine, services, log, limits }: WebSocketOptions): WebSocketHandler {
  const { maxFrameBytes, maxSockets, maxOperations, initTimeoutMs, pingIntervalMs } = { ...defaults, ...limits };
  const operations = createSocketOperations({ engine, services, maxOperations });
  const protocol = makeServer<Record<string, unknown>, SocketOwner>({
    ...operations.hooks,
    connectionInitWaitTimeout: initTimeoutMs,
  });
  const sockets = new Set<WebSocket>();
  const silent = new WeakSet<WebSocket>();
  let closing = false;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols,
  });

  const pinging = setInterval(() => {
    for (const socket of sockets) {
      if (silent.has(socket)) socket.terminate();
      else {
        silent.add(socket);
        socket.ping();
      }
    }
  }, pingIntervalMs);
  pinging.unref();

  function serve(socket: WebSocket, owner: SocketOwner): void {
    sockets.add(socket);
    socket.on('pong', () => silent.delete(socket));
    // Frames against the protocol, also too large ones: ws closes the socket with the fitting code by itself.
    socket.on('error', (error) => log.debug({ requestId: owner.requestId, error: error.message }, 'socket error'));
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => sendTo(socket, text),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (take) =>
          socket.on('message', (data) => {
            take(String(data)).catch((error: unknown) => {
              // A message that only servers send is the client's fault, anything else ours.
              const known = error instanceof Error && error.message.startsWith('Unexpected message of type');
              if (!known) log.error({ requestId: owner.requestId, err: error }, 'unexpected error on a socket');
              socket.close(known ? 4400 : 4500, known ? 'Invalid message received' : 'Internal server error');
            });
          }),
      },
      owner,
    );
    socket.once('close', (code, reason) => {
      sockets.delete(socket);
      operations.leave(owner);
      closed(code, String(reason)).catch((error: unknown) => {
        log.error({ requestId: owner.requestId, err: error }, 'unexpected error after a socket was closed');
      });
    });
  }

  return {
    upgrade(req, socket, head, who) {
      if (closing) throw new HttpFault(503, 'UNAVAILABLE', 'The gateway is about to stop.', { 'Retry-After': '1' });
      if (sockets.size >= maxSockets) {
        throw new HttpFault(503, 'LIMIT_EXCEEDED', 'There are too many connections.', { 'Retry-After': '10' });
      }
      server.handleUpgrade(req, socket, head, (ws) => {
        const client = clientAddress(req);
        serve(ws, operations.enter({ ...who, client, headers: req.headers, send: (text) => sendTo(ws, text) }));
      });
    },
    sockets: () => sockets.size,
    async close(graceMs) {
      closing = true;
      clearInterval(pinging);
      await Promise.all(
        [...sockets].map(
          (socket) =>
            new Promise<void>((resolve) => {
              const cut = setTimeout(() => socket.terminate(), graceMs);
              socket.once('close', () => {
                clearTimeout(cut);
                resolve();
              });
              socket.close(1001, 'Going away');
            }),
        ),
      );
    },
  };
}
