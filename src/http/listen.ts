import type { Server } from 'node:http';
import { createServer, isIPv6, type ListenOptions, type Server as NetServer } from 'node:net';
import { Server as TlsServer } from 'node:tls';

export interface Listening {
  /** Without a slash at its end. */
  url: string;
  port: number;
  /** Takes no more connections, waits for the requests under way, and cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface ListenAt {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /**
   * Sockets that listen there, among which the system divides those who come. Node takes one connection of each in a
   * turn of its event loop (libuv/libuv#3696), which are few where a turn is long: with one, whoever connects waits
   * behind the thousands that others have opened. Default 1; more only on Linux.
   */
  sockets?: number;
}

/**
 * Connections that wait to be taken: thousands of clients come back at once after another gateway has gone, and each
 * for which there is no room tries again only after seconds. The system may allow fewer (net.core.somaxconn, 4096 on
 * Linux).
 */
const BACKLOG = 4_096;

/** Binds a server. Rejects when the address is taken or not this machine's. */
export async function listen(server: Server, { host, port, sockets = 1 }: ListenAt): Promise<Listening> {
  const shared = sockets > 1 && process.platform === 'linux';
  if (shared && port !== 0) {
    // Of an address that is shared nobody would be told that it is taken.
    const alone = createServer();
    await bind(alone, { host, port });
    await closed(alone);
  }
  const isTls = server instanceof TlsServer;
  const bound = await bind(server, { host, port, reusePort: shared });
  const servers: NetServer[] = [server];
  for (let i = 1; shared && i < sockets; i++) {
    // With the options that node:http and node:https give their own.
    const another = createServer({ allowHalfOpen: !isTls, noDelay: true }, (socket) =>
      server.emit('connection', socket),
    );
    servers.push(another);
    await bind(another, { host, port: bound, reusePort: true });
  }
  return {
    url: `http${isTls ? 's' : ''}://${isIPv6(host) ? `[${host}]` : host}:${bound}`,
    port: bound,
    async close(graceMs) {
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      const all = servers.map(closed);
      server.closeIdleConnections();
      await Promise.all(all);
      clearTimeout(cut);
    },
  };
}

/** Resolves to the port. */
function bind(server: NetServer, options: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...options, backlog: BACKLOG }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : Number(options.port));
    });
  });
}

function closed(server: NetServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
