import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as HttpsServer } from 'node:https';
import { createSecureContext } from 'node:tls';

export interface HttpTimeouts {
  /** Until the headers of a request are complete, and before them the handshake of TLS. */
  headersMs: number;
  /** Until all of a request has come, its body included; then 408. */
  requestMs: number;
  /** The same for a file that is put to a signed address. */
  uploadMs: number;
  /** An answer of which its client takes no byte for so long is given up, as a download is. */
  stillMs: number;
  /**
   * An idle connection is kept for so long: longer than load balancers do, 60 s as a rule, so that they end it first.
   */
  keepAliveMs: number;
}

export const DEFAULT_TIMEOUTS: HttpTimeouts = {
  headersMs: 15_000,
  requestMs: 30_000,
  uploadMs: 900_000,
  stillMs: 30_000,
  keepAliveMs: 65_000,
};

/** What a server of TLS shows of itself, both in PEM; a chain has the server's own certificate first. */
export interface Certificate {
  cert: string;
  key: string;
}

/**
 * How often those are cut that are late with their headers, all of them in one piece: 2,000 that have come at once took
 * the event loop 200 ms at an interval of five seconds.
 */
const CHECK_EVERY_MS = 100;

type OnRequest = (req: IncomingMessage, res: ServerResponse) => void;

/** A server of HTTP/1.1, of https where it is given a certificate. */
export function createWebServer(
  { headersMs, requestMs, uploadMs, keepAliveMs }: HttpTimeouts,
  certificate: Certificate | undefined,
  onRequest: OnRequest,
): Server | HttpsServer {
  const options = {
    headersTimeout: headersMs,
    requestTimeout: Math.max(requestMs, uploadMs),
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, headersMs),
    // Some clients offer HTTP/2 with each request (`Upgrade: h2c`): one that is not taken up is an ordinary request.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
  };
  if (!certificate) return createServer(options, onRequest);
  const tls = { handshakeTimeout: headersMs, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] } as const;
  return createTlsServer({ ...options, ...tls, ...certificate }, onRequest);
}

/** Throws what is wrong with a certificate: no PEM, or the key of another one. */
export function checkCertificate(certificate: Certificate): void {
  createSecureContext(certificate);
}
