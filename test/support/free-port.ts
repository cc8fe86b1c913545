import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that the kernel gives to outgoing connections; so are those 10 000 above, where nodes of a Redis Cluster talk to each other. */
const PORTS = { first: 12_000, count: 10_000 };

/**
 * A port of loopback that nobody listens on, and that no other test is given for as long as this process lives: neither between
 * the look and the bind, nor while its server is down to be started again. UDP has ports of its own: whoever has bound that of
 * the same number, on this machine, has the TCP port too.
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

/** Starts a server on a port that nobody has; where a stranger was quicker between the look and the bind, on the next one. */
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
