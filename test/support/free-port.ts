import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ports that the kernel uses for outgoing connections. So are the ports 10,000 above these, which the nodes
 * of a Redis Cluster use among themselves.
 */
const PORTS = { first: 12_000, count: 10_000 };

/**
 * Returns a free TCP port of 127.0.0.1. No other test gets it as long as this process lives: neither before a server
 * binds it, nor while that server is down to be restarted. To reserve it, this process binds the UDP port of the same
 * number, which no server of the tests uses.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    const claim = createSocket('udp4');
    claim.bind({ port, address: '127.0.0.1', exclusive: true });
    if (!(await succeeds(once(claim, 'listening')))) continue;
    claim.unref();
    const server = createServer().listen(port, '127.0.0.1');
    const free = await succeeds(once(server, 'listening'));
    if (!free) {
      claim.close();
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Starts a server on a free port. When another program takes the port first, it tries again with another one. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let left = 10; ; left--) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (left === 0 || !/EADDRINUSE|address already in use/i.test(String(error))) throw error;
    }
  }
}

const succeeds = (happening: Promise<unknown>) =>
  happening.then(
    () => true,
    () => false,
  );
