import { expect, it } from 'vitest';
import { createGatewayClient } from '../support/gateway-client.ts';
import { descriptorsOf, residentBytes } from '../support/process-limits.ts';
import { eventually, onlySimulator, openProduct } from '../support/product.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const JOBS = 10;
const WATCHERS_EACH = 50;
const ROUNDS = 10;
/** What is garbage goes soon, and what is not would not fit. */
const smallHeap = { NODE_OPTIONS: '--max-old-space-size=96 --max-semi-space-size=4' };

it.skipIf(process.platform !== 'linux')(
  'C19 five hundred sockets reconnect at once, ten times: each sees its end, and nothing is left of them',
  async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const [gateway] = await Promise.all([product.gateway(smallHeap), product.worker({ BACKEND_DEPTH: '16' })]);
    const { pid } = gateway.process;
    const channels = async () => (await product.admin.pubsub('CHANNELS', '*')).length;
    const descriptors = () => descriptorsOf(pid);
    const wire = await startTcpProxy(gateway.port);
    test.onTestFinished(wire.close);
    const texts: string[] = [];
    const client = createGatewayClient(`http://127.0.0.1:${wire.port}`, texts);
    simulator.faults.current.hold = true;
    const before = { channels: await channels(), descriptors: await descriptors() };

    const jobs = await Promise.all(Array.from({ length: JOBS }, () => client.generate()));
    const watchers = jobs.flatMap(({ id }) => Array.from({ length: WATCHERS_EACH }, () => client.watch(id)));
    const memory: number[] = [];
    /** Whoever is told UNAVAILABLE, as by a Redis that stands still, connects once more in a round. */
    let connections = watchers.map(() => 0);
    for (let round = 1; round <= ROUNDS + 1; round++) {
      await eventually(
        () =>
          watchers.every(
            ({ subscriptions }, i) =>
              subscriptions.length > (connections[i] ?? 0) && (subscriptions.at(-1)?.length ?? 0) > 0,
          ),
        `all watch in round ${round}`,
        60_000,
      );
      memory.push((await residentBytes(pid)) / 2 ** 20);
      connections = watchers.map(({ subscriptions }) => subscriptions.length);
      if (round <= ROUNDS) wire.cut();
    }
    // A process that reconnects has no more than those who are there now.
    expect(await channels()).toBeLessThanOrEqual(before.channels + JOBS);
    simulator.faults.reset();
    product.ledger.mended();
    const ends = await Promise.all(watchers.map((watcher) => watcher.end(60_000)));
    expect(ends.every(({ type }) => type === 'SUCCEEDED')).toBe(true);
    expect(simulator.posts).toBe(JOBS);

    await eventually(async () => (await channels()) <= before.channels, 'no channel is left');
    await eventually(async () => (await descriptors()) <= before.descriptors + 5, 'no descriptor is left');
    const [first = 0] = memory;
    const last = memory.at(-1) ?? 0;
    expect(last, `MiB by round: ${memory.map(Math.round).join(' ')}`).toBeLessThan(first + 100);
  },
  180_000,
);
