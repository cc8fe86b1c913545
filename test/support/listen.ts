import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { onTestFinished } from 'vitest';
import type { Lifetime } from './product.ts';

/**
 * Starts a server on a free port of 127.0.0.1, and returns its origin. It is closed with its connections after the
 * test, or with `lifetime`.
 */
export async function listen(
  listener: RequestListener,
  lifetime: Pick<Lifetime, 'onTestFinished'> = { onTestFinished },
): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  lifetime.onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}
