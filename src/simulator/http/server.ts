import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import type { FaultHandle } from '../faults.ts';
import type { MessageHub } from '../messages.ts';
import { PythonError } from '../protocol/python.ts';
import {
  type Answer,
  type Exchange,
  empty,
  HttpError,
  methodNotAllowed,
  notFound,
  readBody,
  serverError,
} from './exchange.ts';
import { isForeignOrigin } from './origin.ts';
import { createRouter, type Routes } from './router.ts';

/** Frames of a client above this close its socket with 1009. */
const maxClientFrameBytes = 4 * 1024 * 1024;

/** How long an idle connection is kept, as aiohttp does. */
const keepAliveMs = 75_000;

export interface WebParts {
  routes: Routes;
  faults: FaultHandle;
  hub: MessageHub;
  /** While it is restarting, only /simulator is answered. */
  isRestarting: () => boolean;
  /** Reports errors that are bugs of the simulator. */
  report: (error: unknown) => void;
}

/** HTTP and WebSocket of the simulator; not yet listening. */
export function createWebServer({ routes, faults, hub, isRestarting, report }: WebParts): Server {
  const route = createRouter(routes);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxClientFrameBytes, perMessageDeflate: false });

  async function answerTo(request: IncomingMessage, url: URL): Promise<Answer> {
    const method = request.method ?? 'GET';
    if (isForeignOrigin(request.headers)) return empty(403);
    if (method === 'OPTIONS') return empty();
    const found = route(method, decoded(url.pathname));
    if (!found) return method === 'GET' || method === 'HEAD' ? notFound() : methodNotAllowed();
    const exchange: Exchange = {
      request,
      method,
      path: found.path,
      params: found.params,
      query: url.searchParams,
      body: () => readBody(request),
    };
    try {
      return await found.route.handle(exchange);
    } catch (error) {
      if (error instanceof HttpError) return error.answer;
      // The caller closed its connection while its body was read, so nobody receives the answer.
      if (error === request.errored) return serverError();
      // These are exceptions in ComfyUI's handlers too: broken JSON, a wrong type, a bad form.
      if (
        !(
          error instanceof PythonError ||
          error instanceof SyntaxError ||
          error instanceof TypeError ||
          error instanceof RangeError
        )
      )
        report(error);
      return serverError();
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://simulator');
    if (!url.pathname.startsWith('/simulator')) {
      if (faults.current.httpDelayMs > 0) await delay(faults.current.httpDelayMs, undefined, { ref: false });
      if (isRestarting() || faults.strikes('httpReset')) {
        request.socket.destroy();
        return;
      }
      if (faults.current.httpStatus !== null) {
        request.resume();
        send(request, response, { ...serverError(), status: faults.current.httpStatus });
        return;
      }
    }
    const answer = await answerTo(request, url);
    const isJson = answer.status === 200 && answer.headers?.['content-type']?.startsWith('application/json');
    if (isJson && !url.pathname.startsWith('/simulator') && faults.strikes('httpGarbage')) {
      const text = String(answer.body);
      send(request, response, { ...answer, body: text.slice(0, Math.floor(text.length / 2)) });
      return;
    }
    send(request, response, answer);
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      report(error);
      response.destroy();
    });
  });

  server.keepAliveTimeout = keepAliveMs;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (isRestarting()) {
      socket.destroy();
      return;
    }
    const url = new URL(request.url ?? '/', 'http://simulator');
    const isSocketPath = url.pathname === '/ws' || url.pathname === '/api/ws';
    const status = !isSocketPath ? 404 : isForeignOrigin(request.headers) ? 403 : faults.current.refuseSocket;
    if (status !== null) {
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) =>
      hub.connect(client, url.searchParams.get('clientId') ?? ''),
    );
  });
  return server;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // The path has a stray percent sign, so no route matches it.
  }
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (answer.cutAfter === 0) {
    request.socket.destroy();
    return;
  }
  const body = answer.body ?? '';
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(answer.status === 304 ? {} : { 'content-length': length }),
  });
  // An unread body would be read as the next request of the connection.
  if (!request.readableEnded) request.resume();
  if (request.method === 'HEAD' || answer.status === 304) {
    response.end();
  } else if (answer.cutAfter !== undefined) {
    response.write(body.slice(0, answer.cutAfter), () => response.destroy());
  } else {
    response.end(body);
  }
}
