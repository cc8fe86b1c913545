import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { closeServer, listen } from './listen.ts';
import { sendJson } from './reply.ts';

export interface AdminServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  log: Logger;
  /** What it answers, by path; `/healthz` says that the process lives. */
  routes?: Record<string, (req: IncomingMessage, res: ServerResponse) => Promise<void>>;
}

/** The private port, for operators: it says more than the public one and asks for no credential. */
export async function startAdminServer({ host, port, log, routes = {} }: AdminServerOptions) {
  const all = new Map(Object.entries(routes));
  all.set('/healthz', async (_req, res) => sendJson(res, 200, { status: 'alive' }));

  const server = createServer((req, res) => {
    const route = all.get((req.url ?? '').split('?')[0] ?? '');
    if (!route) return sendJson(res, 404, { error: 'not found' });
    route(req, res).catch((error: unknown) => {
      log.error({ err: error, path: req.url }, 'unexpected error on the private port');
      sendJson(res, 500, { error: 'internal error' });
    });
  });
  const address = await listen(server, host, port);
  return { ...address, close: (graceMs: number) => closeServer(server, graceMs) };
}
