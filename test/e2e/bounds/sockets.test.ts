import { once } from 'node:events';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { disposals } from '../../support/disposals.ts';
import { CONTAINER_BYTES, flood, frame, rawSocket, SMALL_HEAP } from '../../support/flood.ts';
import { latencies } from '../../support/latencies.ts';
import { startScript } from '../../support/process.ts';
import { watchMemory } from '../../support/process-limits.ts';
import { type Gateway, openProduct } from '../../support/product.ts';

const subscribe = (query: string, id = '1') => JSON.stringify({ id, type: 'subscribe', payload: { query } });

/** What a client may send again and again, and what is answered each time. */
const FLOODS: [string, Buffer][] = [
  ['pings', frame('{"type":"ping"}')],
  ['pings with payloads', frame(JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(20_000) } }))],
  ['refused operations', frame(subscribe('{ nope }'))],
  ['pings of the protocol', frame('', 'ping')],
];

/** The system holds some ten megabytes for a socket: short answers take long to fill them. */
const UNREAD = [
  { bytes: frame('{"type":"ping"}'), sockets: 1 },
  { bytes: frame(JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(20_000) } })), sockets: 20 },
  {
    bytes: frame(
      JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ __typename }', operationName: 'nope' } }),
    ),
    sockets: 2,
  },
  { bytes: frame('', 'ping'), sockets: 10 },
];

describe('B01 sockets that flood', { timeout: 90_000 }, () => {
  const suite = disposals();
  let gateway: Gateway;
  /** One that nobody floods. */
  let calm: Gateway;

  beforeAll(async () => {
    const product = await openProduct(suite);
    [gateway, calm] = await Promise.all([product.gateway(SMALL_HEAP), product.gateway()]);
  }, 240_000);

  it('B01 clients that ask again and again and read nothing are read from no more, then cut', async () => {
    const peak = await watchMemory(gateway.process.pid);
    const never = new AbortController().signal;
    await Promise.all(
      UNREAD.flatMap(({ bytes, sockets }) =>
        Array.from({ length: sockets }, async () => {
          const socket = await rawSocket(gateway.port);
          socket.pause();
          await flood(socket, bytes, never);
        }),
      ),
    );
    await latencies(gateway.url, 20);
    expect(await peak()).toBeLessThan(CONTAINER_BYTES);
  });

  it.each(FLOODS.slice(0, 3))(
    'B01 while ten clients send %s and read the answers, others are answered',
    async (_name, bytes) => {
      const script = new URL('../../support/flooder.ts', import.meta.url).pathname;
      const flooder = startScript([script, String(gateway.port), '10', bytes.toString('base64')], {});
      onTestFinished(flooder.kill);
      await flooder.until('flooding', 60_000);
      const [taken, idle] = await Promise.all([latencies(gateway.url, 200), latencies(calm.url, 200)]);
      // What the machine takes for the same without a flood is no matter of the gateway.
      expect(taken[197]).toBeLessThan(100 + 3 * Number(idle[197]));
    },
  );

  it('B01 a client that asks much at once and reads is answered all of it', async () => {
    const socket = await rawSocket(gateway.port);
    let pongs = 0;
    socket.on('data', (chunk: Buffer) => {
      pongs += chunk.toString('latin1').split('"pong"').length - 1;
    });
    socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => frame('{"type":"ping"}'))));
    while (pongs < 19_900) await once(socket, 'data', { signal: AbortSignal.timeout(20_000) });
    expect(socket.destroyed).toBe(false);
  });
});
