import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import * as z from 'zod';
import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { startGateway } from '../product.ts';
import { interleave } from '../rounds.ts';
import type { Row } from '../table.ts';
import { PLAIN_WATCHING as PEER, startPlainWatching as startPlain, untilAllWatch } from '../watching.ts';

const nothing = z.null();
const numbers = z.number();

/**
 * Measures, with 2,000 sockets on 200 jobs, the events delivered per second under overload, and memory per
 * subscription.
 */
export const benchSubscriptions: Bench = async (context) => {
  const { quick, say } = context;
  const size = quick
    ? { rounds: 1, jobs: 20, sockets: 200, published: 500, warmMs: 200, ms: 500 }
    : { rounds: 3, jobs: 200, sockets: 2_000, published: 8_000, warmMs: 2_000, ms: 4_000 };

  async function round(kind: 'comfygate' | 'plain') {
    await using stack = new AsyncDisposableStack();
    const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
    const admin = stack.adopt(new Redis(context.redis.url), (client) => client.disconnect());
    await admin.flushall();
    // Each round starts new processes: memory that a process keeps after a round would count in the next one.
    const server = keep(await (kind === 'comfygate' ? startGateway(context) : startPlain(context)));
    const watch = keep(await startChild({ args: ['bench/load/watch.ts'], ready: /ready/, probe: false }));
    const publish = keep(await startChild({ args: ['bench/load/publish.ts'], ready: /ready/, probe: false }));

    const ids = await publish.call('open', { kind, redisUrl: context.redis.url, jobs: size.jobs }, z.array(z.string()));
    const bytesBefore = await server.call('rssWithoutGarbage', null, numbers);
    await watch.call('open', { url: server.url, ids, sockets: size.sockets }, nothing);
    await untilAllWatch(watch, publish, size.sockets);
    const bytes = (await server.call('rssWithoutGarbage', null, numbers)) - bytesBefore;

    await publish.call('start', { perSecond: size.published }, nothing);
    await delay(size.warmMs);
    const cpuBefore = await server.call('cpu', null, numbers);
    const { perSecond } = await watch.call('measure', { ms: size.ms }, z.object({ perSecond: numbers }));
    const cpuMs = (await server.call('cpu', null, numbers)) - cpuBefore;
    const published = await publish.call('stop', null, numbers);
    const cpuUs = (cpuMs * 1000) / ((perSecond * size.ms) / 1000);
    const kib = bytes / 1024 / size.sockets;
    say(
      `${kind} ${perSecond.toFixed(0)} events/s of ${((published * size.sockets) / size.jobs) | 0}, ` +
        `${cpuUs.toFixed(1)} us of CPU each, ${kib.toFixed(1)} KiB/subscription`,
    );
    return { perSecond, cpuUs, kib };
  }

  const measured = await interleave(size.rounds, {
    comfygate: () => round('comfygate'),
    plain: () => round('plain'),
  });
  const row = (figure: string, of: 'perSecond' | 'cpuUs' | 'kib'): Row => ({
    bench: 'subscriptions',
    figure,
    ours: measured.comfygate.map((each) => each[of]),
    peer: { name: PEER, values: measured.plain.map((each) => each[of]) },
  });
  return [
    { ...row('events delivered/s', 'perSecond'), target: { of: 'ratio', is: 'at least', value: 1 } },
    row('CPU of the server, us/event', 'cpuUs'),
    { ...row('memory, KiB/subscription', 'kib'), target: { of: 'ratio', is: 'at most', value: 1 } },
  ];
};
