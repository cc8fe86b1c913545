import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Probes, ProcessHealth } from '../health/health.ts';
import { throttledWarning } from '../observability/throttled.ts';
import { fitsPrivatePort, hasTwoHosts } from './access.ts';
import { listen } from './listen.ts';
import { sendJson } from './reply.ts';

export type AdminRoute = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/** What a process may be made of. */
export type Part = 'gateway' | 'worker';

export interface AdminServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  log: Logger;
  /** What this process is made of. Until each has been added the process is not ready. */
  parts: readonly Part[];
}

/**
 * The private port, for operators and orchestrators: it says more than the public one and asks for no credential.
 * Bound to loopback, it answers a Host header that is not loopback's with 421, and two of them with 400.
 *
 * /healthz  200 while nothing in this process hangs, else 503 and what does
 * /readyz   200 while each part can do its work, else 503 and why not
 * /health   the report in full; of a process that is both, the gateway's with the worker's in `worker`
 */
export interface AdminServer {
  /** Where it listens, without a slash at its end. */
  url: string;
  port: number;
  add(part: Part, probes: Probes): void;
  /** Answers another path. */
  route(path: string, route: AdminRoute): void;
  close(graceMs: number): Promise<void>;
}

export async function startAdminServer({ host, port, log, parts }: AdminServerOptions): Promise<AdminServer> {
  const probed = new Map<Part, Probes>();
  const hung = throttledWarning(log, 'this process hangs');

  async function sendLive(_req: IncomingMessage, res: ServerResponse) {
    const hangs = [...probed].flatMap(([part, probes]) => probes.hangs().map((reason) => `${part}: ${reason}`));
    if (hangs.length === 0) {
      hung.over();
      sendJson(res, 200, { status: 'alive' });
    } else {
      hung(hangs.join('; '));
      sendJson(res, 503, { status: 'hung', reasons: hangs });
    }
  }

  async function sendReady(_req: IncomingMessage, res: ServerResponse) {
    const found = await Promise.all(
      parts.map(async (part) => {
        const reasons = (await probed.get(part)?.whyNotReady()) ?? ['it is starting'];
        return reasons.map((reason) => `${part}: ${reason}`);
      }),
    );
    const reasons = found.flat();
    if (reasons.length === 0) sendJson(res, 200, { status: 'ready' });
    else sendJson(res, 503, { status: 'not ready', reasons });
  }

  async function sendHealth(_req: IncomingMessage, res: ServerResponse) {
    const reports = await Promise.all(parts.map(async (part) => [part, await probed.get(part)?.report()] as const));
    const [first, ...others] = reports.map(([part, report]) => [part, report ? inJson(report) : STARTING] as const);
    const isWell = reports.every(([, report]) => report && report.status !== 'UNHEALTHY');
    sendJson(res, isWell ? 200 : 503, { ...first?.[1], ...Object.fromEntries(others) });
  }

  const routes = new Map<string, AdminRoute>([
    ['/healthz', sendLive],
    ['/readyz', sendReady],
    ['/health', sendHealth],
  ]);
  const server = createServer((req, res) => {
    if (hasTwoHosts(req)) return sendJson(res, 400, { error: 'there is more than one Host header' });
    if (!fitsPrivatePort(host, req.headers.host)) {
      return sendJson(res, 421, {
        error: 'the Host header names another server: ask for 127.0.0.1, or set ADMIN_HOST',
      });
    }
    const route = routes.get(pathOf(req));
    if (!route) return sendJson(res, 404, { error: 'not found' });
    route(req, res).catch((error: unknown) => {
      log.error({ err: error, path: pathOf(req) }, 'unexpected error on the private port');
      sendJson(res, 500, { error: 'internal error' });
    });
  });
  const listening = await listen(server, { host, port });
  return {
    ...listening,
    add: (part, probes) => void probed.set(part, probes),
    route: (path, route) => void routes.set(path, route),
  };
}

/** Without what may have been put behind it. */
const pathOf = (req: IncomingMessage) => (req.url ?? '').split('?', 1)[0] ?? '';

const STARTING = { status: 'UNHEALTHY', message: 'it is starting', checks: [] };

function inJson(report: ProcessHealth) {
  return {
    ...report,
    checkedAt: new Date(report.checkedAt).toISOString(),
    checks: report.checks.map((check) => ({ ...check, since: new Date(check.since).toISOString() })),
  };
}

/** Answers with all figures of the process, for Prometheus to read on the private port. */
export function createMetricsEndpoint(metrics: { contentType: string; text(): Promise<string> }) {
  return async (_req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const text = await metrics.text();
    res.writeHead(200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' });
    res.end(text);
  };
}
