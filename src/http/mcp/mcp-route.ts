import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isObject } from '../../core/objects.ts';
import type { Mcp } from '../../mcp/mcp.ts';
import type { McpServices } from '../../mcp/services.ts';
import { inTraceOf } from '../../observability/spans.ts';
import { createCompression } from '../graphql/compress.ts';
import { parseJsonBody } from '../graphql/json-body.ts';
import { createOpenRequest, type OpenRequestOptions } from '../graphql/open-request.ts';
import type { Places } from '../graphql/places.ts';
import { sendResponse } from '../graphql/send-response.ts';
import type { Identify, Sender } from '../identify.ts';
import { HttpFault, sendJson, tooMuchWaits } from '../reply.ts';

export const MCP_PATH = '/mcp';

export interface McpRouteOptions extends OpenRequestOptions {
  /** Whether it is served. Default true. */
  mcp?: boolean | undefined;
  services: McpServices;
  version: string;
  identify: Identify;
  places: Places;
  /** A client that takes no byte of its answer for so long is given up. */
  stillMs: number;
  /** Streams that wait for changes of the tools. */
  maxOpen: number;
  /** Lets in the page of a listed origin, which may use these methods. Throws HttpFault for a foreign one. */
  admitPage: (req: IncomingMessage, res: ServerResponse, methods: string) => void;
  log: Logger;
}

export interface McpRoute {
  serve(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<void>;
  /** The catalogue is another one. */
  toolsChanged(): void;
  /** Lets no call wait any more. Resolves once those that waited are answered as they stand, or after a second. */
  endCalls(): Promise<void>;
}

const KEEP_ALIVE_MS = 5_000;
const ANSWERED_WITHIN_MS = 1_000;
/** What may stay open for long, and so takes a place; of tools all but those that answer at once. */
const HELD = new Set<unknown>(['tools/call', 'subscriptions/listen']);
const AT_ONCE = new Set<unknown>(['cancel_job', 'create_upload']);
/** Of a session that a client names itself. */
const SESSION = /^[\x21-\x7e]{1,128}$/;

/** Serves the Model Context Protocol: first whether a page may call, then who calls, then what is asked. */
export function createMcpRoute(options: McpRouteOptions): McpRoute {
  const { services, version, identify, budgets, places, stillMs, maxOpen, admitPage, log } = options;
  const openRequest = createOpenRequest(options);
  const compression = createCompression();
  const closing = new AbortController();
  const waiting = new Set<ServerResponse>();
  let loaded: Promise<Mcp> | undefined;

  /** Only where somebody asks: to load it takes as long as all else of a gateway's start. */
  function load(): Promise<Mcp> {
    loaded ??= import('../../mcp/mcp.ts').then(({ createMcp }) =>
      createMcp({
        ...{ services, version, keepAliveMs: KEEP_ALIVE_MS, maxSubscriptions: maxOpen, closing: closing.signal },
        onUnexpected: (err, requestId) => log.error({ requestId, err }, 'unexpected error in a tool'),
      }),
    );
    return loaded;
  }

  async function answer(req: IncomingMessage, res: ServerResponse, sender: Sender): Promise<void> {
    const { client, identity, body: _read, ...from } = sender;
    const open = await openRequest(req, res, sender);
    if (!open) return;
    const { over, budget, text } = open;
    const message = parseJsonBody(text ?? '');
    if (!budgets.hasRoom(client)) throw tooMuchWaits();
    const tool = isObject(message.params) ? message.params.name : undefined;
    if (HELD.has(message.method) && !AT_ONCE.has(tool)) {
      const place = places.take(client, services.plans.boundsOf(identity).subscriptions);
      if (!place) throw new HttpFault(429, 'RATE_LIMITED', 'Too many calls wait.', { 'Retry-After': '10' });
      if (message.method === 'tools/call') waiting.add(res);
      res.once('close', () => {
        place[Symbol.dispose]();
        waiting.delete(res);
      });
    }
    const given = req.headers['mcp-session-id'];
    const call = {
      ...{ ...from, identity, client, signal: over.signal, keep: (bytes: number) => budget.keep(bytes) },
      session: typeof given === 'string' && SESSION.test(given) ? given : null,
    };
    const mcp = await load();
    const response = await mcp.answer(requestOf(req, over.signal), message, call);
    // By its name a client of 2025 tells its calls from those of others, to cancel one. Nothing is kept of it.
    if (message.method === 'initialize') res.setHeader('Mcp-Session-Id', randomUUID());
    await sendResponse(response, res, { stillMs, compression });
  }

  return {
    async serve(req, res, requestId) {
      try {
        if (options.mcp === false) throw new HttpFault(404, 'NOT_FOUND', 'This gateway takes listed documents only.');
        admitPage(req, res, 'POST');
        if (req.method === 'OPTIONS') return void res.writeHead(204, { Allow: 'POST, OPTIONS' }).end();
        if (req.method !== 'POST') {
          const message = 'This is a server of the Model Context Protocol without sessions: it is asked by POST.';
          throw new HttpFault(405, 'BAD_REQUEST', message, { Allow: 'POST, OPTIONS' });
        }
        const sender = await identify(req, res, requestId);
        if (!res.destroyed) await inTraceOf(req.headers, () => answer(req, res, sender));
      } catch (error) {
        if (!(error instanceof HttpFault)) throw error;
        const { status, message, code, headers } = error;
        const shown = { code: -32_000, message, data: { code } };
        sendJson(res, status, { jsonrpc: '2.0', error: shown, id: null }, headers);
      }
    },
    toolsChanged: () => void loaded?.then((mcp) => mcp.toolsChanged()),
    async endCalls() {
      closing.abort();
      const answered = Promise.all([...waiting].map((res) => once(res, 'close')));
      await Promise.race([answered, delay(ANSWERED_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

/** What the protocol says in headers; credentials are none of its business. */
function requestOf({ headers, url = '' }: IncomingMessage, signal: AbortSignal): Request {
  const passed = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' && /^(?:accept|content-type|mcp-.*)$/.test(name) ? [[name, value]] : [],
  );
  return new Request(`http://gateway${url}`, { method: 'POST', headers: passed, signal });
}
