import { beforeAll, describe, expect, it } from 'vitest';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { disposals } from '../support/disposals.ts';
import type { ProductProcess } from '../support/process.ts';
import { eventually, type Gateway, onlySimulator, openProduct, type Product } from '../support/product.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

describe('cancelJob', { timeout: 120_000 }, () => {
  const suite = disposals();
  let product: Product;
  let gateway: Gateway;
  let simulator: Simulator;

  beforeAll(async () => {
    product = await openProduct(suite);
    simulator = onlySimulator(product);
    gateway = await product.gateway();
  }, 240_000);

  it('ends a QUEUED job at once, with no worker alive', async () => {
    const job = await gateway.generate();
    const watching = gateway.watch(job.id, { once: true });
    await watching.until(({ type }) => type === 'SNAPSHOT');
    expect(await gateway.cancel(job.id)).toMatchObject({ status: 'CANCELED', attempts: 0, artifacts: [] });
    expect((await watching.end()).type).toBe('CANCELED');
    expect(await product.admin.exists(`${product.keys.tag}fair:jobs:anonymous`)).toBe(0);
  });

  describe('with a worker', () => {
    let redisWire: TcpProxy;
    let worker: ProductProcess;

    beforeAll(async () => {
      redisWire = await startTcpProxy(product.redis.port);
      suite.onTestFinished(redisWire.close);
      worker = await product.worker({ REDIS_URL: `redis://127.0.0.1:${redisWire.port}` });
    }, 240_000);

    /** Two prompts at the one server, of which the first runs until the simulator is let go. */
    async function twoPrompts() {
      simulator.faults.current.hold = true;
      const { posts } = simulator;
      const running = await gateway.generate();
      await eventually(() => simulator.posts === posts + 1, 'the first prompt is posted');
      const waiting = await gateway.generate();
      await eventually(() => simulator.posts === posts + 2, 'both prompts are posted');
      return { running, waiting };
    }

    it('never starts a job that was cancelled while QUEUED', async () => {
      expect((await gateway.watch((await gateway.generate()).id).end()).job.status).toBe('SUCCEEDED');
      expect(simulator.posts).toBe(1);
    });

    it('gives a job that has ended as it is', async () => {
      const { job } = await gateway.watch((await gateway.generate()).id).end();
      expect(await gateway.cancel(job.id)).toMatchObject({ status: 'SUCCEEDED', seq: job.seq });
      expect(await gateway.cancel(job.id)).toMatchObject({ status: 'SUCCEEDED', seq: job.seq });
    });

    it('takes a prompt that waits out of the queue, and leaves the one that runs beside it alone', async () => {
      const { running, waiting } = await twoPrompts();
      const started = simulator.started.length;
      const watching = gateway.watch(waiting.id, { once: true });
      await gateway.cancel(waiting.id);
      expect((await watching.end()).type).toBe('CANCELED');
      expect(simulator.interrupts).toBe(0);
      simulator.faults.reset();
      expect((await gateway.watch(running.id).end()).job.status).toBe('SUCCEEDED');
      expect(simulator.started.length).toBe(started);
    });

    it('interrupts just the prompt that runs, and the one that waits behind it goes on', async () => {
      const { running, waiting } = await twoPrompts();
      const watching = gateway.watch(running.id, { once: true });
      await watching.until(({ job: { status } }) => status === 'RUNNING');
      expect(await gateway.cancel(running.id)).toMatchObject({ status: 'RUNNING' });
      const { type, job } = await watching.end();
      expect({ type, artifacts: job.artifacts }).toEqual({ type: 'CANCELED', artifacts: [] });
      expect(watching.events.map((event) => event.type)).toContain('CANCEL_REQUESTED');
      expect(simulator.interrupts).toBe(1);
      const { posts } = simulator;
      simulator.faults.reset();
      expect((await gateway.watch(waiting.id).end()).job.status).toBe('SUCCEEDED');
      expect(simulator.posts).toBe(posts);
    });

    it('wins over a success that is written later', async () => {
      const succeeding = redisWire.holdRequest('"to":"SUCCEEDED"');
      const job = await gateway.generate();
      const watching = gateway.watch(job.id, { once: true });
      const letPass = await succeeding;
      expect(await gateway.cancel(job.id)).toMatchObject({ status: 'RUNNING' });
      letPass();
      const { type, job: ended } = await watching.end();
      expect({ type, artifacts: ended.artifacts }).toEqual({ type: 'CANCELED', artifacts: [] });
    });

    it('ends a job whose worker has died: the next one cancels it, and does not run it again', async () => {
      simulator.faults.current.hold = true;
      const { posts, interrupts } = simulator;
      const job = await gateway.generate();
      await eventually(() => simulator.posts === posts + 1, 'the prompt is posted');
      await worker.kill();
      expect(await gateway.cancel(job.id)).toMatchObject({ status: 'RUNNING' });
      const watching = gateway.watch(job.id, { once: true });
      await product.worker();
      expect((await watching.end()).type).toBe('CANCELED');
      await eventually(() => simulator.interrupts > interrupts, 'its prompt is interrupted');
      expect(simulator.posts).toBe(posts + 1);
    });
  });
});
