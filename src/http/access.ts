import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { Logger } from 'pino';
import { throttledWarning } from '../observability/throttled.ts';
import { HttpFault, setHeaders } from './reply.ts';

export interface AccessOptions {
  /** Address that the server is bound to. */
  host: string;
  /** The origin that users know the gateway by. */
  publicUrl?: string | undefined;
  /** Further origins whose pages may call it. */
  allowedOrigins: readonly string[];
  /** Whether pages of loopback may, on whatever port: those of a developer's own servers. Default false. */
  allowLoopback?: boolean | undefined;
  log: Logger;
}

/** What clients of GraphQL and those who trace them send. Whatever else a page asks for is let pass, too. */
const CLIENT_HEADERS = [
  'Content-Type, Accept, If-None-Match, Last-Event-ID, X-Request-ID, Authorization, traceparent, tracestate, baggage',
  'apollographql-client-name, apollographql-client-version, apollo-require-preflight, x-apollo-operation-name',
].join(', ');

/** Who may call from a browser. A client that sends no Origin is not a page of another site. */
export interface Access {
  /**
   * Throws 421 when the Host header is not a name of this gateway: a foreign name that leads here is DNS rebinding; 400
   * when there are two, of which a proxy before it may have believed the other.
   */
  checkHost(req: IncomingMessage): void;
  /** Throws 403 when a page of a foreign origin calls, and logs its origin. */
  checkOrigin(req: IncomingMessage): void;
  /** Tells the page of a listed origin that it may call by these methods. Throws as `checkOrigin` does. */
  admitPage(req: IncomingMessage, res: ServerResponse, methods: string): void;
  /**
   * Headers for a page of a listed origin, which may use these methods, any header, and credentials; none for any
   * other.
   */
  corsHeaders(req: IncomingMessage, methods: string): Record<string, string>;
}

/** Of what a page says of itself: more than any name of a host has. */
const MAX_LOGGED_CHARACTERS = 300;

function isLoopback(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

function isLoopbackOrigin(origin: string): boolean {
  return /^https?:/.test(origin) && URL.canParse(origin) && isLoopback(new URL(origin).hostname);
}

/** The hostname of a Host header, an IPv6 address in brackets; null for what is no host. */
function hostnameOf(host: string): string | null {
  const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : null;
  return url && url.pathname === '/' && !url.username && !url.search ? url.hostname : null;
}

/**
 * Whether the private port, bound to `host`, answers under this Host header. On loopback only under loopback's names:
 * another that leads there is DNS rebinding, by a page in a browser on this machine. Elsewhere under any: Prometheus,
 * the one who asks there, knows it by the name of a machine, a container or a service, which no rule tells from a
 * page's. No browser leaves the header out.
 */
export function fitsPrivatePort(host: string, header: string | undefined): boolean {
  if (header === undefined || !isLoopback(host)) return true;
  const hostname = hostnameOf(header);
  return hostname !== null && isLoopback(hostname);
}

export function createAccess(options: AccessOptions): Access {
  const { host, publicUrl, allowedOrigins, allowLoopback = false, log } = options;
  const refusedPage = throttledWarning(log, 'a page may not call: its origin is not in ALLOWED_ORIGINS');
  const publicOrigin = publicUrl === undefined ? null : new URL(publicUrl);
  const listed = new Set(allowedOrigins);
  const boundToLoopback = isLoopback(host);
  /** Host headers repeat, so each is parsed once. A client cannot fill it: only what fits is kept, a few at most. */
  const fitting = new Set<string>();
  const MAX_KEPT = 32;

  function hostFits(header: string): boolean {
    if (fitting.has(header)) return true;
    const hostname = hostnameOf(header);
    if (hostname === null) return false;
    // An address is no name, so it cannot be made to lead elsewhere. Bound to loopback, only loopback's own are its
    // names.
    const fits =
      isLoopback(hostname) ||
      hostname === publicOrigin?.hostname ||
      (!boundToLoopback && isIP(hostname.replace(/^\[|\]$/g, '')) !== 0);
    if (fits && fitting.size < MAX_KEPT) fitting.add(header);
    return fits;
  }

  const isListed = (origin: string) => listed.has(origin) || (allowLoopback && isLoopbackOrigin(origin));

  function originFits(origin: string, hostHeader: string): boolean {
    if (isListed(origin) || origin === publicOrigin?.origin) return true;
    return origin === `http://${hostHeader}` || origin === `https://${hostHeader}`;
  }

  function checkOrigin(req: IncomingMessage): void {
    const { origin, host: hostHeader = '' } = req.headers;
    if (origin === undefined || originFits(origin, hostHeader.toLowerCase())) return;
    const message = 'Pages of this origin may not call. Set ALLOWED_ORIGINS to allow them.';
    const fault = new HttpFault(403, 'FORBIDDEN', message);
    refusedPage(fault, { origin: origin.slice(0, MAX_LOGGED_CHARACTERS) });
    throw fault;
  }

  function corsHeaders(req: IncomingMessage, methods: string): Record<string, string> {
    const { origin, 'access-control-request-headers': asked = '' } = req.headers;
    if (listed.size === 0 && !allowLoopback) return {};
    if (origin === undefined || !isListed(origin)) return { Vary: 'Origin' };
    return {
      Vary: 'Origin',
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Methods': methods,
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Headers': [CLIENT_HEADERS, ...(asked.match(/[\w-]+/g) ?? [])].join(', '),
      'Access-Control-Expose-Headers': 'X-Request-ID, Retry-After, RateLimit, RateLimit-Policy, Mcp-Session-Id',
      'Access-Control-Max-Age': '600',
    };
  }

  return {
    checkHost(req) {
      if (hasTwoHosts(req)) throw new HttpFault(400, 'BAD_REQUEST', 'There is more than one Host header.');
      if (hostFits(req.headers.host ?? '')) return;
      throw new HttpFault(421, 'FORBIDDEN', 'The Host header names another server. Set PUBLIC_URL to allow a name.');
    },
    checkOrigin,
    admitPage(req, res, methods) {
      setHeaders(res, corsHeaders(req, methods));
      checkOrigin(req);
    },
    corsHeaders,
  };
}

/** Node itself takes the first of several. */
export function hasTwoHosts(req: IncomingMessage): boolean {
  return timesSent(req, 'host') > 1;
}

/** How often a header was sent; of most of them Node shows the first. `name` in lower case. */
export function timesSent({ rawHeaders }: IncomingMessage, name: string): number {
  let times = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const sent = rawHeaders[i] ?? '';
    if (sent.length === name.length && sent.toLowerCase() === name) times += 1;
  }
  return times;
}

/**
 * Reads an address in absolute form (`GET http://host/graphql`), as proxies send it, like any other: every server
 * must take it, and its host counts, not that of the Host header (RFC 9112, 3.2.2).
 */
export function toOriginForm(req: IncomingMessage): void {
  const [, host, rest = ''] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(req.url ?? '') ?? [];
  if (host === undefined) return;
  req.headers.host = host;
  req.url = rest.startsWith('/') ? rest : `/${rest}`;
}
