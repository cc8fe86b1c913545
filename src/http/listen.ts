import type { Server } from 'node:http';
import { isIPv6 } from 'node:net';

/**
 * Connections that wait to be taken: thousands of clients come back at once after another gateway has gone, and each
 * for which there is no room tries again only after seconds. The system may allow fewer (net.core.somaxconn, 4096 on
 * Linux).
 */
const BACKLOG = 4_096;

/** Binds a server; port 0 takes a free one. Rejects when the address is taken or not this machine's. */
export function listen(server: Server, host: string, port: number): Promise<{ url: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject);
      const address = server.address();
      const bound = typeof address === 'object' && address ? address.port : port;
      resolve({ url: `http://${isIPv6(host) ? `[${host}]` : host}:${bound}`, port: bound });
    });
  });
}

/** Takes no more connections, waits for the requests under way, and cuts what is left after `graceMs`. */
export function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
