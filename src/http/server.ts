/*
 * The public HTTP server. startHttpServer(options) -> { url, port, sockets(), close(graceMs) }.
 *
 * host, port          where to listen; port 0 takes a free one
 * publicUrl           origin that users know the gateway by; its host is let in, and pages of it may call
 * allowedOrigins      further origins whose pages may call; none by default, and no CORS header without them
 * allowLoopback       whether pages of loopback may, on whatever port; not by default
 * maxBodyBytes        longest POST; more is 413
 * engine, services    what GraphQL and tools work with: createEngine({ schema, log }), and the use cases
 * artifacts           gives and takes files at signed addresses below its path, where that is the gateway's to do
 * variants            gives pictures that are made of others
 * version             that agents are told
 * health, ready       reports for /health and /readyz
 * graphiql, mcp       whether browsers get the page GraphiQL, and agents tools at /mcp; they do by default
 * storageUrl          address of an S3 from which browsers get results, for the pages of the studio
 * certificate         of TLS: then it is https
 * onSocketCut         called for each WebSocket that is cut
 * onAnswered          called for each request that is over, and for each upgrade that is refused
 * webSocket, timeouts bounds, with defaults
 *
 * close: no new connections, sockets closed with 1001, streams cut so that clients connect elsewhere, requests under
 * way given `graceMs` to end. Make `ready` say no some seconds before, so that load balancers have turned away.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import type { Logger } from 'pino';
import type { BoundUse } from '../async/shares.ts';
import { createTurns } from '../async/turns.ts';
import type { Authenticator } from '../callers/authenticator.ts';
import { anonymous } from '../callers/identity.ts';
import type { Sessions } from '../callers/sessions.ts';
import { createBudgets } from '../graphql/engine/budgets.ts';
import type { Engine } from '../graphql/engine/engine.ts';
import type { Health } from '../health/health.ts';
import type { McpServices } from '../mcp/services.ts';
import type { OnSocketCut } from '../observability/gateway-metrics.ts';
import type { HttpRoute, OnAnswered } from '../observability/http-metrics.ts';
import { createAccess, toOriginForm } from './access.ts';
import { addressOf, clientAddress, createForwarding } from './client-address.ts';
import { boundConnections } from './connections.ts';
import { readCredentials, refuseInAddress } from './credentials.ts';
import { createDocsPages } from './docs/docs-pages.ts';
import { type ArtifactRoute, createFileRoutes } from './files/file-routes.ts';
import { createGraphiqlPage } from './graphql/graphiql.ts';
import { createGraphqlHandler } from './graphql/graphql-handler.ts';
import { createGraphqlRoute } from './graphql/graphql-route.ts';
import { createPlaces } from './graphql/places.ts';
import { createWebSocketHandler, type WebSocketLimits } from './graphql/websocket.ts';
import { createHealthEndpoints } from './health-endpoints.ts';
import { createIdentify } from './identify.ts';
import { listen } from './listen.ts';
import { createLogin, type LoginOptions } from './login.ts';
import { createMcpRoute, MCP_PATH } from './mcp/mcp-route.ts';
import { HttpFault, isEventStream, refuseConnection, sendFault, setHeaders } from './reply.ts';
import { endUnlessComplete } from './request-body.ts';
import { requestIdOf } from './request-id.ts';
import { createSecurityHeaders } from './security-headers.ts';
import { createStudioPages } from './studio/studio-pages.ts';
import { type Certificate, createWebServer, DEFAULT_TIMEOUTS, type HttpTimeouts } from './web-server.ts';

export interface HttpServerOptions {
  host: string;
  port: number;
  publicUrl?: string | undefined;
  allowedOrigins: readonly string[];
  allowLoopback?: boolean | undefined;
  /** Networks of proxies that are believed where a request comes from (`10.0.0.0/8`). Default: none are. */
  trustedProxies?: readonly string[] | undefined;
  /** Finds out who calls. Default: nobody is told apart, and everybody is `anonymous`. */
  authenticator?: Authenticator | undefined;
  onRefused?: LoginOptions['onRefused'];
  /** Tells when what somebody has open is to end. Default: it never is. */
  sessions?: Sessions | undefined;
  maxBodyBytes: number;
  engine: Engine;
  services: McpServices;
  version: string;
  artifacts?: ArtifactRoute | undefined;
  variants?: ArtifactRoute | undefined;
  health: Health;
  ready: () => Promise<boolean>;
  graphiql?: boolean | undefined;
  mcp?: boolean | undefined;
  storageUrl?: string | undefined;
  certificate?: Certificate | undefined;
  log: Logger;
  onAnswered?: OnAnswered | undefined;
  onSocketCut?: OnSocketCut | undefined;
  webSocket?: Partial<WebSocketLimits> | undefined;
  timeouts?: Partial<HttpTimeouts> | undefined;
  /** Whether Yoga answers all of GraphQL over HTTP, as a measure of the short way: see graphql-handler.ts. */
  onlyYoga?: boolean | undefined;
  /** Subscriptions and operations over WebSocket that are open at a time. Default 10,000; an address may have half. */
  maxOpen?: number | undefined;
  /** Connections at a time, sockets included. Default 20,000; an address may have half. */
  maxConnections?: number | undefined;
  /** Files that are sent at a time. Default 1,000; an address may have half. */
  maxDownloads?: number | undefined;
}

export interface HttpServer {
  /** Where it listens, without a slash at its end. */
  url: string;
  port: number;
  /** WebSocket connections that are open. */
  sockets(): number;
  /** What is taken of each bound that all clients share, by its name. */
  bounds(): Record<string, BoundUse>;
  /** The catalogue is another one. */
  toolsChanged(): void;
  /** Lets no call of a tool wait any more. Resolves once those that waited are answered, or after a second. */
  endCalls(): Promise<void>;
  /** Another certificate for whoever connects from now on. Throws where the server began without any. */
  useCertificate(certificate: Certificate): void;
  close(graceMs: number): Promise<void>;
}

const GRAPHQL = '/graphql';

/** As many as sockets. With a socket of its own each takes some 25 KiB (`npm run bench -- watchers`). */
const MAX_OPEN = 10_000;
/** A proxy from whose address everybody comes has one for each socket that it may have, and as many for requests. */
const MAX_CONNECTIONS = 20_000;
/**
 * With sixteen a client waits for up to 30 s behind 7,000 connections of others that come at once, where a turn of the
 * event loop takes 70 ms. With 128 they are let in faster than what they ask for can be read in time.
 */
const LISTENING_SOCKETS = 32;
/** Of each, some 150 KB are in memory where its client does not read. */
const MAX_DOWNLOADS = 1_000;
/** For how long operations and events are worked on before the event loop goes on with all else. */
const TURN_MS = 5;

export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { log, onAnswered } = options;
  const timeouts: HttpTimeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const access = createAccess(options);
  const { admitPage } = access;
  const noteAddress = createForwarding(options.trustedProxies ?? []);
  const login = options.authenticator ? createLogin({ ...options, authenticator: options.authenticator }) : null;
  const budgets = createBudgets(options.maxBodyBytes);
  const maxOpen = options.maxOpen ?? MAX_OPEN;
  const places = createPlaces(maxOpen);
  const turns = createTurns(TURN_MS);
  const identify = createIdentify({ login, budgets, maxBodyBytes: options.maxBodyBytes });
  const operations = { budgets, turns, places, stillMs: timeouts.stillMs };
  const handler = createGraphqlHandler({ ...options, ...operations });
  const page = options.graphiql === false ? null : createGraphiqlPage();
  const graphql = createGraphqlRoute({ handler, page, identify, admitPage });
  const mcp = createMcpRoute({ ...options, ...operations, maxOpen, identify, admitPage });
  const docs = createDocsPages();
  const origins = [options.publicUrl, options.storageUrl].filter((url) => url !== undefined);
  const studio = createStudioPages({ origins, tools: page !== null });
  const securityHeaders = createSecurityHeaders(options.publicUrl);
  const endpoints = createHealthEndpoints(options);
  const webSocket = createWebSocketHandler({ ...options, budgets, turns, places, login, limits: options.webSocket });
  const files = createFileRoutes({ ...options, maxDownloads: options.maxDownloads ?? MAX_DOWNLOADS, admitPage });
  const underWay = new Set<ServerResponse>();

  /** What a request is counted under. */
  function routeOf({ url = '', method }: IncomingMessage): HttpRoute {
    const [path = ''] = url.split('?', 1);
    if (path === GRAPHQL) return 'graphql';
    if (path === MCP_PATH) return 'mcp';
    if (endpoints(path)) return 'health';
    return files.kind(path, method) ?? 'other';
  }

  /** Node's own limit is one for all requests, and a file takes longer than a question. */
  function limitBody(req: IncomingMessage, res: ServerResponse, requestId: string): void {
    if (routeOf(req) === 'upload') return;
    endUnlessComplete(req, timeouts.requestMs, () => {
      if (res.headersSent) return req.destroy();
      fail(new HttpFault(408, 'BAD_REQUEST', 'The body took too long.', { Connection: 'close' }), res, requestId);
    });
  }

  async function route(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<void> {
    const path = (req.url ?? '').split('?', 1)[0] ?? '';
    const endpoint = endpoints(path);
    // Health probes use the address, so the Host header is not checked. Their answers need no protection.
    if (endpoint) return endpoint(res);
    access.checkHost(req);
    if (path === GRAPHQL) return graphql(req, res, requestId);
    if (path === MCP_PATH) return mcp.serve(req, res, requestId);
    if (login) refuseInAddress(req);
    if (await files.serve(path, req, res)) return;
    if (page && (await docs(path, req, res))) return;
    if (await studio(path, req, res)) return;
    throw new HttpFault(404, 'NOT_FOUND', `Nothing is here. GraphQL is at ${GRAPHQL}.`);
  }

  function fail(error: unknown, res: ServerResponse, requestId: string): void {
    const known = error instanceof HttpFault;
    if (!known) log.error({ requestId, err: error }, 'unexpected error in a request');
    sendFault(res, known ? error : new HttpFault(500, 'INTERNAL', 'Unexpected error.'));
  }

  const server = createWebServer(timeouts, options.certificate, (req, res) => {
    noteAddress(req);
    if (!connections.admit(req, res)) return;
    underWay.add(res);
    toOriginForm(req);
    const of = routeOf(req);
    const began = performance.now();
    res.once('close', () => {
      underWay.delete(res);
      const status = res.headersSent ? String(res.statusCode) : 'none';
      onAnswered?.(of, status, (performance.now() - began) / 1000);
    });
    const requestId = requestIdOf(req);
    res.setHeader('X-Request-ID', requestId);
    setHeaders(res, securityHeaders(of));
    limitBody(req, res, requestId);
    route(req, res, requestId).catch((error: unknown) => fail(error, res, requestId));
  });

  const connections = boundConnections(server, options.maxConnections ?? MAX_CONNECTIONS);

  function upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (socket.destroyed) return;
    toOriginForm(req);
    const requestId = requestIdOf(req);
    const began = performance.now();
    try {
      access.checkHost(req);
      access.checkOrigin(req);
      if ((req.url ?? '').split('?', 1)[0] !== GRAPHQL) {
        throw new HttpFault(404, 'NOT_FOUND', `GraphQL is at ${GRAPHQL}.`);
      }
      // Who calls is said by the first message: here only what has no place in an address is refused.
      if (login) readCredentials(req);
      const from = { requestId, client: clientAddress(req), address: addressOf(req) };
      webSocket.upgrade(req, socket, head, { ...from, identity: anonymous });
    } catch (error) {
      const fault = error instanceof HttpFault ? error : new HttpFault(500, 'INTERNAL', 'Unexpected error.');
      refuseConnection(socket, fault);
      onAnswered?.('socket', String(fault.status), (performance.now() - began) / 1000);
      if (!(error instanceof HttpFault)) log.error({ requestId, err: error }, 'unexpected error in an upgrade');
    }
  }

  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', destroyFaulty);
    noteAddress(req);
    turns.add(clientAddress(req), socket, () => upgrade(req, socket, head));
  });

  const { host, port } = options;
  const listening = await listen(server, { host, port, sockets: LISTENING_SOCKETS });
  return {
    ...listening,
    sockets: webSocket.sockets,
    bounds: () => ({
      ...connections.use(),
      sockets: webSocket.use(),
      operations: places.use(),
      downloads: files.use(),
      memory_bytes: budgets.use(),
    }),
    toolsChanged: mcp.toolsChanged,
    endCalls: mcp.endCalls,
    useCertificate(certificate) {
      if (!(server instanceof TlsServer)) throw new Error('a server of http has no certificate');
      server.setSecureContext(certificate);
    },
    async close(graceMs) {
      const closed = listening.close(graceMs);
      const socketsClosed = webSocket.close(graceMs);
      for (const res of underWay) {
        // A stream that is ended in good order would look like the end of a subscription.
        if (isEventStream(res)) res.destroy();
        // Its connection would be kept for a next request.
        else if (!res.headersSent) res.setHeader('Connection', 'close');
      }
      await Promise.all([closed, socketsClosed]);
    },
  };
}

/** Made once: a listener that is made for a request keeps that as long as its socket. */
function destroyFaulty(this: Duplex): void {
  this.destroy();
}
