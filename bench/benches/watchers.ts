import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import * as z from 'zod';
import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { startGateway } from '../product.ts';
import { interleave } from '../rounds.ts';
import type { Row } from '../table.ts';
import { PLAIN_WATCHING, startPlainWatching, untilAllWatch } from '../watching.ts';

const END_TIMEOUT_MS = 30_000;
/** The limit of open files for a gateway that is driven to its limit, much smaller than the machine's own limit. */
const OPEN_FILES = 4_096;

const nothing = z.null();
const numbers = z.number();
const idsSchema = z.array(z.string());
const endsSchema = z.object({ notified: z.int(), lastAt: numbers });
const heldSchema = z.object({ held: z.int(), refusal: z.string().nullable() });

/**
 * Measures how many watchers one gateway holds, each with its own socket and all on one job: their memory, and the time
 * until the last one gets the event of the job's end.
 */
export const benchWatchers: Bench = async (context) => {
  const { quick, say, redis } = context;
  const counts = quick ? [400] : [1_000, 5_000, 10_000];
  const rounds = quick ? 1 : 3;

  async function opened<T>(
    kind: 'comfygate' | 'plain',
    options: { openFiles?: number },
    use: (parts: { server: Child; watch: Child; publish: Child; ids: string[] }) => Promise<T>,
  ): Promise<T> {
    await using stack = new AsyncDisposableStack();
    const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
    const admin = stack.adopt(new Redis(redis.url), (client) => client.disconnect());
    await admin.flushall();
    const server = keep(await (kind === 'comfygate' ? startGateway(context, options) : startPlainWatching(context)));
    const watch = keep(await startChild({ args: ['bench/load/watch.ts'], ready: /ready/, probe: false }));
    const publish = keep(await startChild({ args: ['bench/load/publish.ts'], ready: /ready/, probe: false }));
    const ids = await publish.call('open', { kind, redisUrl: redis.url, jobs: 1 }, idsSchema);
    return await use({ server, watch, publish, ids });
  }

  const round = (kind: 'comfygate' | 'plain', sockets: number) =>
    opened(kind, {}, async ({ server, watch, publish, ids }) => {
      const bytesBefore = await server.call('rssWithoutGarbage', null, numbers);
      const began = performance.now();
      await watch.call('open', { url: server.url, ids, sockets }, nothing);
      await untilAllWatch(watch, publish, sockets);
      const openMs = performance.now() - began;
      const kib = ((await server.call('rssWithoutGarbage', null, numbers)) - bytesBefore) / 1024 / sockets;
      const { notifiedAfterMs } = await end(watch, publish, sockets);
      say(
        `${kind} ${sockets} watchers after ${(openMs / 1000).toFixed(1)} s, ${kib.toFixed(1)} KiB each, ` +
          `the last notified after ${notifiedAfterMs.toFixed(0)} ms`,
      );
      return { kib, notifiedAfterMs };
    });

  const rows: Row[] = [];
  for (const sockets of counts) {
    const measured = await interleave(rounds, {
      comfygate: () => round('comfygate', sockets),
      plain: () => round('plain', sockets),
    });
    const row = (figure: string, of: 'kib' | 'notifiedAfterMs'): Row => ({
      bench: 'watchers',
      figure: `${sockets.toLocaleString('en')}: ${figure}`,
      ours: measured.comfygate.map((each) => each[of]),
      peer: { name: PLAIN_WATCHING, values: measured.plain.map((each) => each[of]) },
    });
    rows.push(row('memory, KiB/watcher', 'kib'), row("the last is told of a job's end after, ms", 'notifiedAfterMs'));
  }

  const openFiles = quick ? 256 : OPEN_FILES;
  const limit = await opened('comfygate', { openFiles }, async ({ server, watch, publish, ids }) => {
    const args = { url: server.url, ids, sockets: openFiles };
    const { held, refusal } = await watch.call('openUntilRefused', args, heldSchema);
    if (refusal === null) throw new Error(`${held} sockets were held where only ${openFiles} files may be open`);
    // Sockets that were connecting when another was refused may have been accepted.
    const notified = Math.min(held, (await end(watch, publish, held)).notified);
    say(
      `with ${openFiles} open files ${held} watchers are held; the next: ${refusal}; ${notified} were told of the end`,
    );
    return { held, notified };
  });
  const limitRow = { bench: 'watchers', peer: null };
  return [
    ...rows,
    { ...limitRow, figure: `held with ${openFiles.toLocaleString('en')} open files`, ours: [limit.held] },
    {
      ...limitRow,
      figure: 'of those told of the end when more were refused, %',
      ours: [(100 * limit.notified) / limit.held],
      target: { of: 'figure', is: 'at least', value: 100 },
    },
  ];
};

/** Ends the job and waits until every watcher has the event of its end. */
async function end(watch: Child, publish: Child, sockets: number) {
  const began = await publish.call('end', null, numbers);
  const until = performance.now() + END_TIMEOUT_MS;
  for (;;) {
    const { notified, lastAt } = await watch.call('ends', null, endsSchema);
    if (notified >= sockets) return { notified, notifiedAfterMs: lastAt - began };
    if (performance.now() > until) throw new Error(`only ${notified} of ${sockets} watchers were told of the end`);
    await delay(50);
  }
}
