import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import type { Bench } from '../bench.ts';
import { openFairQueue, simulateServers } from '../load/fair-servers.ts';
import { median } from '../rounds.ts';
import type { Row } from '../table.ts';

const SERVERS = 8;

/**
 * Measures who gets how much of the servers, which are simulated in virtual time, and what it costs to find whose turn
 * it is.
 */
export const benchFairness: Bench = async ({ redis: { url }, quick, say }) => {
  const size = quick
    ? { jobs: 300, turns: 300, callers: 50, crowd: 500, backlog: 2_000, picks: 20, rounds: 1 }
    : { jobs: 10_000, turns: 30_000, callers: 1_000, crowd: 100_000, backlog: 1_000_000, picks: 300, rounds: 7 };
  const admin = new Redis(url);
  // What is measured here is not the disk.
  await admin.config('SET', 'appendfsync', 'no');
  admin.disconnect();

  const weighted = [1, 2, 4].map((weight) => ({ name: `weight ${weight}`, weight }));
  const shares = await simulateServers(url, { callers: weighted, servers: SERVERS, jobs: size.jobs });
  const all = sum([...shares.values()]);
  const off = weighted.map(({ name, weight }) => Math.abs((shares.get(name) ?? 0) / all / (weight / 7) - 1) * 100);
  say(`shares off by ${off.map((each) => each.toFixed(2)).join(', ')} %`);

  const equal = Array.from({ length: size.callers }, (_, i) => ({ name: `caller ${i}`, weight: 1 }));
  const had = await simulateServers(url, { callers: equal, servers: SERVERS, jobs: size.turns });
  const each = [...had.values()];
  const jain = sum(each) ** 2 / (each.length * sum(each.map((ms) => ms ** 2)));
  say(`${size.callers} callers: Jain's index ${jain.toFixed(4)}`);

  const few = openFairQueue(url);
  const many = openFairQueue(url);
  await accept(many, size.crowd, (i) => `caller ${i}`);
  await accept(few, Math.min(size.crowd, 2 * size.rounds * size.picks), () => 'one');
  const place = await placesOf(many, await many.accept('somebody'));
  say(`a place among ${size.crowd} callers: ${median(place).toFixed(2)} ms`);
  const claims = await startsOf({ one: few, crowd: many }, size);
  await few.close();
  await many.close();

  const backlog = openFairQueue(url);
  await accept(backlog, 200, () => 'hog');
  const source = await readFile(new URL('../load/add-waiting.lua', import.meta.url), 'utf8');
  const fair = `${backlog.keys.tag}fair:`;
  for (let from = 1; from <= size.backlog; from += 10_000) {
    const to = Math.min(from + 9_999, size.backlog);
    await backlog.redis.eval(source, 3, `${fair}jobs:hog`, `${fair}queued`, `${fair}caller:hog`, from, to);
  }
  for (let i = 0; i < SERVERS; i++) await backlog.start();
  const first = await backlog.accept('another');
  const last = `ffffffff-0000-7000-8000-${String(size.backlog).padStart(12, '0')}`;
  await backlog.redis.hset(backlog.keys.job(last), 'status', 'QUEUED', 'caller', 'hog');
  const deep = await placesOf(backlog, last);
  say(`the place of the last of ${size.backlog}: ${median(deep).toFixed(2)} ms`);
  let turn = 1;
  while ((await backlog.start())?.id !== first) turn++;
  await backlog.close();

  const row = (figure: string, ours: number[], is: 'at least' | 'at most', value: number): Row => ({
    bench: 'fairness',
    figure,
    ours,
    peer: null,
    target: { of: 'figure', is, value },
  });
  return [
    row('share of weights 1, 2, 4: furthest off, %', [Math.max(...off)], 'at most', 2),
    row(`Jain's index of ${size.callers} callers`, [jain], 'at least', 0.99),
    row(`which free server gets another's first, with ${size.backlog} queued by one`, [turn], 'at most', 1),
    {
      bench: 'fairness',
      figure: `claim among ${size.crowd} callers, ms`,
      ours: claims.crowd,
      peer: { name: 'one caller', values: claims.one },
      target: { of: 'ratio', is: 'at most', value: 1.1 },
    },
    row(`queuePosition among ${size.crowd} callers, ms`, place, 'at most', 1),
    row(`queuePosition of the last of ${size.backlog}, ms`, deep, 'at most', 1),
  ];
};

type FairQueue = ReturnType<typeof openFairQueue>;

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

async function accept(queue: FairQueue, jobs: number, callerOf: (i: number) => string) {
  for (let from = 0; from < jobs; from += 200) {
    const some = Array.from({ length: Math.min(200, jobs - from) }, (_, i) => queue.accept(callerOf(from + i)));
    await Promise.all(some);
  }
}

/** The median time of each round from a free server to a claimed job, in milliseconds, by turns at both. */
async function startsOf(
  { one, crowd }: { one: FairQueue; crowd: FairQueue },
  { rounds, picks }: { rounds: number; picks: number },
) {
  const took = { one: [] as number[], crowd: [] as number[] };
  async function start(queue: FairQueue) {
    const began = performance.now();
    if (!(await queue.start())) throw new Error('no job starts');
    return performance.now() - began;
  }
  for (let round = 0; round <= rounds; round++) {
    const times = { one: [] as number[], crowd: [] as number[] };
    for (let i = 0; i < picks; i++) {
      times.one.push(await start(one));
      times.crowd.push(await start(crowd));
    }
    // The first one warms up.
    if (round === 0) continue;
    took.one.push(median(times.one));
    took.crowd.push(median(times.crowd));
  }
  return took;
}

async function placesOf({ gateway }: FairQueue, id: string): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < 50; i++) {
    const began = performance.now();
    const [place] = await gateway.positions([id]);
    took.push(performance.now() - began);
    if (place === null) throw new Error('it does not wait');
  }
  return took;
}
