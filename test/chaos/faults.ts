import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation } from './installation.ts';

/** Breaks something for `ms`, and has mended it when it resolves. */
export type Fault = (installation: Installation, which: 0 | 1, ms: number) => Promise<void>;

/** Everything that the soak breaks, by the number of the scenario that it stands for. */
export const faults: Record<string, Fault> = {
  'C01 a worker is killed': ({ restartWorker }, which) => restartWorker(which),
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
    // Accepting a job names this key; where nobody asks for one any more there is nothing to lose.
    for (let i = 0; i < 3; i++) await Promise.race([redisWire.loseReplyTo(':comfyui-seen'), sleep(ms)]);
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
  'C07 a worker is stopped past its lock': async ({ workers }, which, ms) => {
    const stopped = workers[which];
    stopped.signal('SIGSTOP');
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
  'C14 a ComfyUI is killed': ({ restartComfyui }, which, ms) => restartComfyui(which, ms),
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
};
