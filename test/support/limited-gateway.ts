import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import type { Gateway, Product } from './product.ts';

/** A gateway that has so many MiB for its objects: it aborts where they do not suffice. */
export function startLimitedGateway(product: Product, heapMebibytes: number): Promise<Gateway> {
  return product.gateway({ NODE_OPTIONS: `--max-old-space-size=${heapMebibytes}` });
}

const messageSchema = z.looseObject({ id: z.string().optional(), type: z.string() });

/** A socket of graphql-transport-ws from another address of this machine, such as 127.0.0.2. */
export async function dialFrom(gateway: Gateway, localAddress: string) {
  const socket = new WebSocket(`${gateway.url}/graphql`.replace('http', 'ws'), 'graphql-transport-ws', {
    localAddress,
  });
  const texts: string[] = [];
  socket.on('message', (data) => texts.push(String(data)));
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  socket.on('error', () => undefined);
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  return {
    say: (message: unknown) => socket.send(JSON.stringify(message)),
    /** What came, but for pings. */
    heard: () => texts.map((text) => ({ text, message: messageSchema.parse(JSON.parse(text)) })).slice(1),
  };
}
