import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { getIntrospectionQuery } from 'graphql';
import { WebSocket } from 'ws';
import { createGatewayClient } from '../support/gateway-client.ts';
import { descriptorsOf, limitDescriptors } from '../support/process-limits.ts';
import { eventually } from '../support/product.ts';
import type { Installation } from './installation.ts';

/** Breaks something for `ms`, and has mended it when it resolves. */
export type Fault = (installation: Installation, which: 0 | 1, ms: number) => Promise<void>;

/** Of these another worker takes the jobs over, whether or not the first comes back. */
const STOPPED = 'C07 a worker is stopped past its lock';
const TAKEN_OVER = ['C01 a worker is killed', STOPPED];
const COMFYUI_KILLED = 'C14 a ComfyUI is killed';

/** The promise: how soon every running job goes on after a worker's death, and after whatever else is mended. */
export function recoveryOf(name: string, times: { struckAt: number; mendedAt: number }) {
  if (TAKEN_OVER.includes(name)) return { since: times.struckAt, withinMs: 15_000 };
  return { since: times.mendedAt, withinMs: 5_000 };
}

/**
 * How many prompts may be submitted again at most: those that two workers, to a depth of two, had at a server that was
 * killed.
 */
export function repeatsOf(name: string): number {
  return name === COMFYUI_KILLED ? 4 : 0;
}

/** What can be tried here: a disk of its own is root's to mount. */
export function namesFor({ disk }: Installation): string[] {
  return Object.keys(faults).filter((name) => disk !== null || name !== DISK_FULL);
}

const DISK_FULL = 'C05 the disk of storage is full';

const CROWD = 200;
const DEAF = 5;
const ASKED_AT_ONCE = 50;

/** Everything that can break, by the number of the scenario that it stands for. */
export const faults: Record<string, Fault> = {
  'C01 a worker is killed': (installation, which) =>
    withJobInHand(installation, which, () => installation.restartWorker(which)),
  'C02 Redis refuses everybody': async ({ redisWire }, _which, ms) => {
    await redisWire.refuse();
    await sleep(ms);
    await redisWire.accept();
  },
  'C02 Redis hears and answers nothing': async ({ redisWire }, _which, ms) => {
    redisWire.blackHole(true);
    await sleep(ms);
    redisWire.blackHole(false);
  },
  'C02 Redis does it and its reply is lost': async ({ redisWire }, _which, ms) => {
    // Accepting a job names this key.
    await redisWire.loseReplyTo(':comfyui-seen');
    for (let i = 0; i < 2; i++) await Promise.race([redisWire.loseReplyTo(':comfyui-seen'), sleep(ms)]);
  },
  'C03 a ComfyUI is silent': async ({ product }, which, ms) => {
    const simulator = product.simulators[which];
    simulator?.faults.set({ httpDelayMs: ms, socketSilent: true });
    await sleep(ms);
    simulator?.faults.reset();
  },
  'C04 Redis is out of memory': async ({ product }, _which, ms) => {
    await product.admin.config('SET', 'maxmemory', '1mb');
    await sleep(ms);
    await product.admin.config('SET', 'maxmemory', '0');
  },
  [DISK_FULL]: async ({ disk }, _which, ms) => {
    await disk?.fill();
    await sleep(ms);
    await disk?.makeRoom();
  },
  [STOPPED]: async (installation, which, ms) => {
    const stopped = installation.workers[which];
    await withJobInHand(installation, which, async () => stopped.signal('SIGSTOP'));
    await sleep(ms + 10_000);
    stopped.signal('SIGCONT');
  },
  'C08 a worker is told to stop': async (installation, which) => {
    await installation.workers[which].stop();
    await installation.restartWorker(which);
  },
  'C09 a gateway is killed': ({ restartGateway }, which) => restartGateway(which),
  'C10 Redis is killed': async ({ product }, _which, ms) => {
    await product.redis.kill();
    await sleep(ms);
    await product.redis.restart();
  },
  'C11 Redis drops its connections': async ({ product }, _which, ms) => {
    for (const until = performance.now() + ms; performance.now() < until; await sleep(200)) {
      await product.admin.client('KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes');
      await product.admin.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    }
  },
  'C12 Redis stops answering': async ({ product }, _which, ms) => {
    product.redis.pause();
    await sleep(ms);
    product.redis.resume();
  },
  [COMFYUI_KILLED]: ({ restartComfyui }, which, ms) => restartComfyui(which, ms),
  'C15 a ComfyUI drops answers to prompts': async ({ product }, which, ms) => {
    product.simulators[which]?.faults.set({ dropPromptAnswer: 3, failPromptAnswer: 3 });
    await sleep(ms);
    product.simulators[which]?.faults.reset();
  },
  'C16 a ComfyUI cuts its files and its JSON': async ({ product }, which, ms) => {
    product.simulators[which]?.faults.set({ truncateView: 3, httpGarbage: 3 });
    await sleep(ms);
    product.simulators[which]?.faults.reset();
  },
  'C17 a ComfyUI loses final messages': async ({ product }, which, ms) => {
    product.simulators[which]?.faults.set({ loseFinalMessages: true });
    await sleep(ms);
    product.simulators[which]?.faults.reset();
  },
  'C18 storage is killed': async ({ minio }, _which, ms) => {
    await minio.kill();
    await sleep(ms);
    await minio.restart();
  },
  'C18 storage hears and answers nothing': async ({ minio }, _which, ms) => {
    minio.pause();
    await sleep(ms);
    minio.resume();
  },
  'C19 a crowd of watchers reconnects': async ({ addresses, product, jobs }, which, ms) => {
    const client = createGatewayClient(addresses[which], product.texts);
    const { id } = await client.generate({ parameters: { steps: 100 } });
    jobs.add(id);
    const crowd = Array.from({ length: CROWD }, () => client.watch(id));
    for (const until = performance.now() + ms; performance.now() < until; await sleep(1_000)) {
      for (const watcher of crowd) watcher.vanish();
    }
    await Promise.all(crowd.map((watcher) => watcher.end()));
  },
  'C20 clients ask and do not read': async ({ addresses }, which, ms) => {
    const deaf = Array.from({ length: DEAF }, () => askAndDoNotRead(addresses[which]));
    await sleep(ms);
    for (const socket of deaf) socket.terminate();
  },
  'C21 a clock jumps ahead by 25 hours': async ({ setClock }, which, ms) => {
    await setClock(which, 25);
    await sleep(ms);
    await setClock(which, 0);
  },
  'C21 a clock jumps back by 25 hours': async ({ setClock }, which, ms) => {
    await setClock(which, -25);
    await sleep(ms);
    await setClock(which, 0);
  },
  'C22 a worker has no descriptor left': async ({ workers }, which, ms) => {
    await withoutDescriptors(workers[which].pid, ms);
  },
  'C22 a gateway has no descriptor left': async ({ gateways }, which, ms) => {
    const { process, port } = gateways[which];
    const crowd = Array.from({ length: CROWD }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await withoutDescriptors(process.pid, ms);
    for (const socket of crowd) socket.destroy();
  },
};

/** Strikes a worker while it has a job to be taken over, and not just between two. */
async function withJobInHand({ product, workers }: Installation, which: 0 | 1, strike: () => Promise<void>) {
  const { admin, keys, simulators } = product;
  const [, workerId] = /"workerId":"([^"]+)"/.exec(workers[which].output()) ?? [];
  if (!workerId) throw new Error('the worker has not said its id');
  for (const { faults } of simulators) faults.set({ hold: true });
  await eventually(async () => {
    const running = await admin.zrange(keys.status('RUNNING'), 0, -1);
    const submissions = await Promise.all(running.map((id) => admin.hget(keys.job(id), 'submission')));
    return submissions.some((submission) => submission?.includes(workerId));
  }, `worker ${which} runs a job`);
  await strike();
  for (const { faults } of simulators) faults.set({ hold: false });
}

function askAndDoNotRead(address: string): WebSocket {
  const socket = new WebSocket(`${address}/graphql`.replace('http', 'ws'), 'graphql-transport-ws');
  socket.on('error', () => undefined);
  socket.once('open', () => socket.send(JSON.stringify({ type: 'connection_init' })));
  socket.once('message', () => {
    socket.pause();
    const payload = { query: getIntrospectionQuery() };
    for (let i = 0; i < ASKED_AT_ONCE; i++) socket.send(JSON.stringify({ type: 'subscribe', id: String(i), payload }));
  });
  return socket;
}

async function withoutDescriptors(pid: number, ms: number) {
  await limitDescriptors(pid, await descriptorsOf(pid));
  await sleep(ms);
  await limitDescriptors(pid, 4_096);
}
