import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { type BoundUse, createShares } from '../../async/shares.ts';
import type { Turns } from '../../async/turns.ts';
import type { Sessions } from '../../callers/sessions.ts';
import { isObject } from '../../core/objects.ts';
import type { GraphServices } from '../../graphql/context.ts';
import type { Budgets } from '../../graphql/engine/budgets.ts';
import type { Engine } from '../../graphql/engine/engine.ts';
import type { OnSocketCut } from '../../observability/gateway-metrics.ts';
import type { Login } from '../login.ts';
import { HttpFault } from '../reply.ts';
import { createOutboxes, type Outbox } from './outbox.ts';
import type { Places } from './places.ts';
import { createSocketLogin, type SocketLogin } from './socket-login.ts';
import { createSocketOperations, type SocketOwner } from './socket-operations.ts';

export interface WebSocketLimits {
  maxFrameBytes: number;
  /** Of all clients; what one address may have of them is said in shares.ts. */
  maxSockets: number;
  /** Operations that one socket has open at a time. */
  maxOperations: number;
  /** A client that has not said connection_init by then is closed with 4408. */
  initTimeoutMs: number;
  /** How often a socket is pinged. One that has not answered by the next ping is cut. */
  pingIntervalMs: number;
}

const defaults: WebSocketLimits = {
  maxFrameBytes: 256 * 1024,
  maxSockets: 10_000,
  maxOperations: 100,
  initTimeoutMs: 5_000,
  pingIntervalMs: 12_000,
};

/** Before it is known who calls. A client needs one, and may ping while its key is looked up. */
const MAX_EARLY_MESSAGES = 32;
/** Of one socket, between two pings of ours. A client needs one; a flood is no use to any. */
const MAX_PINGS = 1_000;

export interface WebSocketOptions {
  engine: Engine;
  services: GraphServices;
  budgets: Budgets;
  turns: Turns;
  places: Places;
  /** Null: nobody is told apart, and whatever credentials come are ignored. Default null. */
  login?: Login | null;
  /** Tells when what somebody has open is to end. Default: it never is. */
  sessions?: Sessions | undefined;
  log: Logger;
  /** Default: nobody is told. */
  onSocketCut?: OnSocketCut | undefined;
  limits?: Partial<WebSocketLimits> | undefined;
}

export interface WebSocketHandler {
  /** Takes over a connection whose Host and Origin have been checked. Throws HttpFault when it may not. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, who: Who): void;
  sockets(): number;
  /** Of sockets, those that are being opened included. */
  use(): BoundUse;
  /** Closes every socket with 1001, upon which clients connect elsewhere; after `graceMs` those left are cut. */
  close(graceMs: number): Promise<void>;
}

type Who = Pick<SocketOwner, 'requestId' | 'identity' | 'client' | 'address'>;

/** What a socket has shown since it was pinged. */
interface Signs {
  /** A pong, or anything else: what a client has sent before its pong is looked at first. */
  alive: boolean;
  pings: number;
}

/** Whose a socket is, and who says so. */
interface Owner extends SocketOwner {
  login: SocketLogin;
}

/** Longer than any (W3C Trace Context): it is kept as long as the socket. */
const MAX_TRACE_CHARACTERS = 1_000;

/** The headers that name the trace of a request. */
function traceOf({ headers: { traceparent, tracestate } }: IncomingMessage): SocketOwner['headers'] {
  return String([traceparent, tracestate]).length > MAX_TRACE_CHARACTERS ? {} : { traceparent, tracestate };
}

/** A pong repeats what its ping says, but no key or token. */
function pongTo(payload: unknown): object | undefined {
  if (!isObject(payload)) return undefined;
  const { authorization: _secret, ...rest } = payload;
  return rest;
}

/** GraphQL over WebSocket by the protocol graphql-transport-ws: subscriptions and queries. */
export function createWebSocketHandler(options: WebSocketOptions): WebSocketHandler {
  const { log, limits, login = null, sessions, onSocketCut = () => undefined } = options;
  const { maxFrameBytes, maxSockets, maxOperations, initTimeoutMs, pingIntervalMs } = { ...defaults, ...limits };
  const operations = createSocketOperations({ ...options, maxOperations });
  const protocol = makeServer<Record<string, unknown>, Owner>({
    ...operations.hooks,
    connectionInitWaitTimeout: initTimeoutMs,
    onConnect(context) {
      const { connectionParams } = context;
      // A secret, and it would be kept as long as the socket.
      Reflect.deleteProperty(context, 'connectionParams');
      return context.extra.login.connect(connectionParams);
    },
  });
  const sockets = new Set<WebSocket>();
  const shares = createShares(maxSockets);
  const outboxes = createOutboxes(log, () => onSocketCut('slow'));
  let closing = false;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    clientTracking: false,
    // One message of a socket at a time, between which the event loop turns: others are not kept waiting for the rest.
    allowSynchronousEvents: false,
    // Answered below, and counted.
    autoPong: false,
    handleProtocols,
  });

  function cut(socket: WebSocket, why: Parameters<OnSocketCut>[0]): void {
    // Of one that is on its way out already, messages may still come.
    if (socket.readyState === socket.OPEN) onSocketCut(why);
    socket.terminate();
  }

  function ping(socket: WebSocket, signs: Signs): void {
    // Nothing is read from it, so no pong either: how it moves is watched by its outbox.
    if (socket.isPaused) return;
    if (!signs.alive) cut(socket, 'silent');
    else {
      signs.alive = false;
      signs.pings = 0;
      socket.ping();
    }
  }

  function logInFor(socket: WebSocket, owner: SocketOwner, outbox: Outbox): SocketLogin {
    return createSocketLogin({
      login,
      sessions,
      owner,
      isOpen: () => socket.readyState === socket.OPEN,
      close(code, reason) {
        socket.close(code, reason);
        // Its client may take its time to answer.
        operations.leave(owner);
      },
      moveTo(client, identity) {
        if (!shares.move(owner.client, client, options.services.plans.boundsOf(identity).sockets)) return false;
        outbox.moveTo(client);
        owner.client = client;
        return true;
      },
    });
  }

  function serve(socket: WebSocket, owner: Owner, outbox: Outbox): void {
    const signs: Signs = { alive: true, pings: 0 };
    let early = 0;
    sockets.add(socket);
    // Each at its own time: thousands of pings in one piece would keep everybody else waiting.
    const pinging = setInterval(() => ping(socket, signs), pingIntervalMs).unref();
    socket.on('pong', () => {
      signs.alive = true;
    });
    socket.on('ping', (data) => {
      signs.pings += 1;
      if (signs.pings > MAX_PINGS) cut(socket, 'pings');
      else outbox.pong(data);
    });
    // Frames against the protocol, also too large ones: ws closes the socket with the fitting code by itself.
    socket.on('error', (error) => log.debug({ requestId: owner.requestId, error: error.message }, 'socket error'));
    // Made once: as part of what takes a message it would keep the message, which for a subscription lasts.
    function fail(error: unknown): void {
      // A message that only servers send is the client's fault, anything else ours.
      const known = error instanceof Error && error.message.startsWith('Unexpected message of type');
      if (!known) log.error({ requestId: owner.requestId, err: error }, 'unexpected error on a socket');
      socket.close(known ? 4400 : 4500, known ? 'Invalid message received' : 'Internal server error');
    }
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => outbox.send(text),
        close: (code, reason) => socket.close(code, reason),
        async onPing(payload) {
          const answer = (await owner.login.renew(payload)) ?? pongTo(payload);
          await outbox.send(JSON.stringify({ type: 'pong', ...(answer && { payload: answer }) }));
        },
        onMessage: (take) =>
          socket.on('message', (data) => {
            signs.alive = true;
            if (!owner.login.isKnown()) early += 1;
            if (early > MAX_EARLY_MESSAGES) return cut(socket, 'early');
            const text = String(data);
            const received = outbox.received(text.length);
            options.turns.add(owner.client, owner, () => {
              received[Symbol.dispose]();
              if (socket.readyState !== socket.OPEN) return;
              take(text).catch(fail);
            });
          }),
      },
      owner,
    );
    socket.once('close', (code, reason) => {
      clearInterval(pinging);
      sockets.delete(socket);
      operations.leave(owner);
      owner.login[Symbol.dispose]();
      closed(code, String(reason)).catch((error: unknown) => {
        log.error({ requestId: owner.requestId, err: error }, 'unexpected error after a socket was closed');
      });
    });
  }

  return {
    upgrade(req, socket, head, who) {
      if (closing) throw new HttpFault(503, 'UNAVAILABLE', 'The gateway is about to stop.', { 'Retry-After': '1' });
      if (!shares.take(who.client)) {
        throw new HttpFault(503, 'LIMIT_EXCEEDED', 'There are too many connections.', { 'Retry-After': '10' });
      }
      let owner: Owner | undefined;
      // What is made here lasts as long as the socket, and is to keep nothing else of the request.
      const headers = traceOf(req);
      // Given back also where the handshake comes to nothing. Whose it is may have been found out by then.
      socket.once('close', () => shares.give(owner?.client ?? who.client));
      server.handleUpgrade(req, socket, head, (ws) => {
        const outbox = outboxes.open(ws, socket, who.client);
        const entered = operations.enter({ ...who, headers, send: (...parts) => outbox.sendParts(...parts) });
        owner = Object.assign(entered, { login: logInFor(ws, entered, outbox) });
        serve(ws, owner, outbox);
      });
    },
    sockets: () => sockets.size,
    use: shares.use,
    async close(graceMs) {
      closing = true;
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
