import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generated } from '../support/gateway-client.ts';
import { startProduct } from '../support/process.ts';
import { eventually, onlySimulator, openProduct } from '../support/product.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { openHeldJob } from './held-job.ts';

/** What is promised, and what a machine with more to do than this adds. */
const ANSWERED_WITHIN_MS = 3_000 + 2_000;

describe.concurrent('Redis that breaks', { timeout: 240_000 }, () => {
  it('C10 is killed during a job and started again: everything resumes, and the watcher sees the end', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const [gateway, worker] = await Promise.all([product.gateway(), product.worker()]);
    simulator.faults.current.holdAt = 'KSampler';
    const job = await gateway.generate();
    const watching = gateway.watch(job.id, { once: true });
    await watching.until(({ job: { progress } }) => progress.node?.classType === 'KSampler');
    await product.redis.kill();

    const key = randomUUID();
    const refused = await gateway.tryGenerate({ key });
    expect(refused).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
    expect(refused.ms).toBeLessThan(ANSWERED_WITHIN_MS);
    // Whatever is asked is answered, and health says what is wrong.
    expect(await gateway.post(`{ job(id: "${job.id}") { id } }`)).toMatchObject({ status: 503 });
    expect((await gateway.post('{ health { status } }')).data).toEqual({ health: { status: 'UNHEALTHY' } });
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
    const late = gateway.watch(job.id, { once: true });
    // The end of the prompt falls into the outage.
    simulator.faults.reset();
    product.ledger.mended();
    await eventually(
      async () => (await (await fetch(`${simulator.url}/queue`)).json()).queue_running.length === 0,
      'it is done',
    );
    await product.redis.restart();
    product.ledger.mended();

    const { job: ended } = await watching.end();
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    // One that came meanwhile has waited.
    expect((await late.end()).job.status).toBe('SUCCEEDED');
    expect(simulator.posts).toBe(1);
    await gateway.expectWhole(ended);
    const retried = await gateway.generate({ key });
    expect((await gateway.watch(retried.id).end()).job.status).toBe('SUCCEEDED');
    await eventually(async () => (await fetch(`${gateway.url}/readyz`)).ok, 'the gateway is ready');
    expect([gateway.process, worker].map((each) => each.output().split('redis connection lost').length > 1)).toEqual([
      true,
      true,
    ]);
  });

  it('C02 is dropped, refused or silent for a gateway: UNAVAILABLE in time, and the key stays valid', async (test) => {
    const product = await openProduct(test);
    const wire = await startTcpProxy(product.redis.port);
    test.onTestFinished(wire.close);
    const [gateway, other] = await Promise.all([
      product.gateway({ REDIS_URL: `redis://127.0.0.1:${wire.port}` }),
      product.gateway(),
    ]);
    const key = randomUUID();
    const expectUnavailable = async () => {
      const answer = await gateway.tryGenerate({ key });
      expect(answer).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
      expect(answer.ms).toBeLessThan(ANSWERED_WITHIN_MS);
    };
    await gateway.generate();
    await wire.refuse();
    await expectUnavailable();
    await wire.accept();
    product.ledger.mended();
    await eventually(async () => (await fetch(`${gateway.url}/readyz`)).ok, 'the gateway is ready');
    wire.blackHole(true);
    await expectUnavailable();
    const asked = performance.now();
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
    expect(performance.now() - asked).toBeLessThan(1_000);
    wire.blackHole(false);
    product.ledger.mended();
    const { job } = generated(await other.tryGenerate({ key }));
    const again = await gateway.generate({ key });
    expect(again.id).toBe(job.id);
  });

  it('C02 does what it is told and loses the reply: the same key gives the job that it made', async (test) => {
    const product = await openProduct(test);
    const wire = await startTcpProxy(product.redis.port);
    test.onTestFinished(wire.close);
    const gateway = await product.gateway({ REDIS_URL: `redis://127.0.0.1:${wire.port}` });
    await gateway.generate();
    const key = randomUUID();
    // The accept script gets the key of the record's own index among others: its request is known by the word.
    const lost = wire.loseReplyTo(':comfyui-seen');
    const first = await gateway.tryGenerate({ key });
    await lost;
    expect(first.ms).toBeLessThan(ANSWERED_WITHIN_MS);
    const job = await gateway.generate({ key });
    if (first.errors.length === 0) expect(generated(first).job.id).toBe(job.id);
    else expect(first).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
    expect(await product.admin.zcard(product.keys.jobs('anonymous'))).toBe(2);
    await product.worker();
    expect((await gateway.watch(job.id).end()).job.status).toBe('SUCCEEDED');
    expect(onlySimulator(product).posts).toBe(2);
  });

  it('C11 drops connections again and again: every watcher sees the end once, and every job is done', async (test) => {
    const product = await openProduct(test, { speed: 0.5 });
    const [gateway] = await Promise.all([product.gateway(), product.worker()]);
    const jobs = await Promise.all(Array.from({ length: 4 }, () => gateway.generate({ parameters: { steps: 40 } })));
    const watchers = jobs.map(({ id }) => gateway.watch(id, { once: true }));
    await Promise.all(watchers.map((watcher) => watcher.until(({ type }) => type === 'SNAPSHOT')));
    const ends = Promise.all(watchers.map((watcher) => watcher.end(90_000)));
    const done = ends.then(
      () => true,
      () => true,
    );
    for (let i = 0; !(await Promise.race([done, soon()])); i++) {
      await product.admin.client('KILL', 'TYPE', i % 2 === 0 ? 'pubsub' : 'normal', 'SKIPME', 'yes');
    }
    expect((await ends).map(({ type }) => type)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
    expect(new Set(onlySimulator(product).promptIds).size).toBe(4);
    expect(onlySimulator(product).posts).toBe(4);
  });

  it('C12 stops answering for a while: UNAVAILABLE in time, then everything goes on', async (test) => {
    const { product, simulator, gateway, watching } = await openHeldJob(test);
    product.redis.pause();
    test.onTestFinished(async () => product.redis.resume());
    const key = randomUUID();
    // Longer than the workers' lock, which nobody can take meanwhile.
    for (const until = performance.now() + 12_000; performance.now() < until; ) {
      const answer = await gateway.tryGenerate({ key });
      expect(answer).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
      expect(answer.ms).toBeLessThan(ANSWERED_WITHIN_MS);
    }
    product.redis.resume();
    product.ledger.mended();
    const kept = await gateway.generate({ key });
    simulator.faults.reset();
    product.ledger.mended();
    expect((await watching.end()).type).toBe('SUCCEEDED');
    expect((await gateway.watch(kept.id).end()).type).toBe('SUCCEEDED');
    expect(simulator.posts).toBe(2);
  });
});

describe.concurrent('Redis that is late or empty', { timeout: 240_000 }, () => {
  it('is down at the start: gateway and worker wait and serve when it is back, or stop on a signal', async (test) => {
    const product = await openProduct(test);
    const wire = await startTcpProxy(product.redis.port);
    test.onTestFinished(wire.close);
    await wire.refuse();
    const env = { REDIS_URL: `redis://127.0.0.1:${wire.port}` };
    const waiting = startProduct(['gateway'], { ...product.env, ...env, PORT: '0' });
    await waiting.until('redis connection lost', 120_000);
    expect(await waiting.stop()).toBe(0);

    const both = product.both(env);
    await wire.accept();
    product.ledger.mended();
    const gateway = await both;
    expect((await gateway.watch((await gateway.generate()).id).end()).type).toBe('SUCCEEDED');
  });

  it('C13 is emptied during a job: the job is not found, its watcher is told, and new ones are done', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const gateway = await product.both();
    simulator.faults.current.hold = true;
    const job = await gateway.generate();
    const watching = gateway.watch(job.id, { once: true });
    await watching.until(({ job: { status } }) => status === 'RUNNING');
    await product.admin.flushall();
    product.ledger.forgets();
    await expect(watching.end(20_000)).rejects.toThrow('NOT_FOUND');
    expect(await gateway.job(job.id)).toBeNull();
    simulator.faults.reset();
    product.ledger.mended();
    expect((await gateway.watch((await gateway.generate()).id).end()).type).toBe('SUCCEEDED');
  });
});

/** Time for the connections to come back, false. */
function soon(): Promise<false> {
  return new Promise((resolve) => setTimeout(resolve, 250, false));
}
