import type { Server } from 'node:http';
import { isIPv6 } from 'node:net';

/** Binds a server; port 0 takes a free one. Rejects when the address is taken or not this machine's. */
export function listen(server: Server, host: string, port: number): Promise<{ url: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
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
