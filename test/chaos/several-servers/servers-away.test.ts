import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { disposals } from '../../support/disposals.ts';
import { startProduct } from '../../support/process.ts';
import { eventually } from '../../support/product.ts';
import {
  type Cluster,
  type Ended,
  type Flowing,
  type Name,
  names,
  onlyThird,
  openCluster,
  TRUSTED_AGAIN_WITHIN_MS,
} from './cluster.ts';

describe('two workers and three servers, of which one is away', { timeout: 120_000 }, () => {
  const suite = disposals();
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await openCluster(suite);
    await Promise.all([cluster.worker(), cluster.worker()]);
    for (const name of names) await cluster.seen(name, 'UP');
  }, 120_000);
  afterEach(() => {
    for (const wire of cluster.wires) wire.blackHole(false);
    for (const name of names) cluster.simulator(name).faults.reset();
  });

  const statuses = (ended: readonly Ended[]) => [...new Set(ended.map(({ status }) => status))];
  const at = (ended: readonly Ended[], name: Name) => ended.filter(({ backend }) => backend === name);

  /** It does, as soon as the workers trust it again. */
  const getsWork = (name: Name) =>
    eventually(
      async () => {
        const ended = await cluster.settle(await cluster.burst(12));
        expect(statuses(ended)).toEqual(['SUCCEEDED']);
        return at(ended, name).length > 0;
      },
      `${name} gets work`,
      TRUSTED_AGAIN_WITHIN_MS,
    );

  /**
   * Twelve jobs at once, or more, until all have ended but some that stand still at this server; `held` is how many.
   */
  async function flowPast(name: Name, input: object = {}) {
    const simulator = cluster.simulator(name);
    simulator.faults.set({ reset: true, hold: true });
    const before = simulator.posts;
    const held = () => simulator.posts - before;
    const jobs: Flowing[] = [];
    // A worker that does not yet trust a server that was away gives it less, or nothing.
    while (held() === 0) {
      jobs.push(...(await cluster.burst(12, { input: { ...input } })));
      await eventually(async () => (await cluster.open()) === held(), 'all others have ended');
    }
    return { jobs, held: held() };
  }

  it('C03 is silent while its prompts end: nothing is sent again, and results are fetched later', async () => {
    const { jobs, held } = await flowPast('comfy1');
    cluster.wires[0].blackHole(true);
    cluster.simulator('comfy1').faults.reset();
    cluster.product.ledger.mended();
    await cluster.seen('comfy1', 'DOWN');
    cluster.wires[0].blackHole(false);
    cluster.product.ledger.mended();
    const ended = await cluster.settle(jobs);
    expect(ended.map(({ status, prompts, attempts }) => ({ status, prompts, attempts }))).toEqual(
      ended.map(() => ({ status: 'SUCCEEDED', prompts: 1, attempts: 1 })),
    );
    expect(at(ended, 'comfy1').length).toBeGreaterThanOrEqual(held);
    await cluster.seen('comfy1', 'UP');
  });

  it('C03 is silent past the deadline: jobs are TIMEOUT, and prompts are cancelled once it answers', async () => {
    const { jobs, held } = await flowPast('comfy1', { deadlineSeconds: 10 });
    const { interrupts } = cluster.simulator('comfy1');
    cluster.wires[0].blackHole(true);
    const ended = await cluster.ends(jobs);
    const late = ended.filter(({ status }) => status === 'FAILED');
    expect(late.map(({ error, prompts, backend }) => [error?.code, prompts, backend])).toEqual(
      Array.from({ length: held }, () => ['TIMEOUT', 1, 'comfy1']),
    );
    expect(statuses(ended.filter((each) => !late.includes(each)))).toEqual(['SUCCEEDED']);
    cluster.wires[0].blackHole(false);
    cluster.product.ledger.mended();
    // It still holds: what is not cancelled stays.
    const jobsAfter = await cluster.settle([]);
    expect(jobsAfter).toEqual([]);
    expect(cluster.simulator('comfy1').interrupts).toBeGreaterThan(interrupts);
    cluster.simulator('comfy1').faults.reset();
    cluster.product.ledger.mended();
    await cluster.seen('comfy1', 'UP');
    expect(statuses(await cluster.settle(await cluster.burst(6)))).toEqual(['SUCCEEDED']);
  });

  it('C14 dies for good: its jobs go elsewhere, and it gets work again when it is back', async () => {
    const { jobs, held } = await flowPast('comfy2');
    await cluster.kill('comfy2');
    const ended = await cluster.ends(jobs);
    expect(statuses(ended)).toEqual(['SUCCEEDED']);
    const twice = ended.filter(({ prompts }) => prompts > 1);
    expect(twice.map(({ prompts }) => prompts)).toEqual(Array.from({ length: held }, () => 2));
    expect(at(twice, 'comfy2')).toEqual([]);
    await cluster.restart('comfy2');
    cluster.product.ledger.mended();
    await cluster.seen('comfy2', 'UP');
    await getsWork('comfy2');
  });

  /**
   * One of them says for both how a server stands. Each hears what an operator wants with its report, of which the
   * second comes when it has.
   */
  async function bothHaveHeard(name: Name) {
    const { admin, keys } = cluster.product;
    for (let report = 1; report <= 2; report++) {
      const [seconds = 0, microseconds = 0] = await admin.time();
      const since = seconds * 1_000 + microseconds / 1_000;
      const reported = async () => (await admin.zcount(keys.backendWorkers(name), since, '+inf')) === 2;
      await eventually(reported, 'both workers have reported');
    }
  }

  it('is drained from the command line: what it has ends there, it gets nothing new until it is resumed', async () => {
    const command = async (verb: 'drain' | 'resume') => {
      const process = startProduct(['backend', verb, 'comfy3'], cluster.product.env);
      expect(await process.exited).toBe(0);
      expect(process.output()).toContain('comfy3');
    };
    const { jobs, held } = await flowPast('comfy3');
    await command('drain');
    await cluster.seen('comfy3', 'DRAINING');
    await bothHaveHeard('comfy3');
    const { posts } = cluster.simulator('comfy3');
    const others = await cluster.ends(await cluster.burst(8));
    cluster.simulator('comfy3').faults.reset();
    cluster.product.ledger.mended();
    const ended = [...(await cluster.settle(jobs)), ...others];
    expect(ended.map(({ status, prompts, attempts }) => ({ status, prompts, attempts }))).toEqual(
      ended.map(() => ({ status: 'SUCCEEDED', prompts: 1, attempts: 1 })),
    );
    expect(at(ended, 'comfy3').length).toBeGreaterThanOrEqual(held);
    expect(cluster.simulator('comfy3').posts).toBe(posts);
    await command('resume');
    await cluster.seen('comfy3', 'UP');
    await getsWork('comfy3');
  });

  it('is the only one for a job, and busy, then down: the job waits at no cost and blocks no other', async () => {
    const third = cluster.simulator('comfy3');
    third.faults.set({ hold: true });
    const before = third.posts;
    const only = await cluster.burst(8, onlyThird);
    await eventually(() => third.posts === before + 4, 'its four places are taken');
    const past = async () => {
      const ended = await cluster.ends(await cluster.burst(12), 20_000);
      expect(statuses(ended)).toEqual(['SUCCEEDED']);
      expect(at(ended, 'comfy3')).toEqual([]);
    };
    await past();
    await cluster.kill('comfy3');
    await past();
    await cluster.seen('comfy3', 'DOWN');
    const { gateway, product } = cluster;
    const waiting = await Promise.all(only.map(({ id }) => gateway.job(id)));
    expect(waiting.filter((job) => job?.status === 'QUEUED' && job.attempts === 0)).toHaveLength(4);
    await cluster.restart('comfy3');
    cluster.product.ledger.mended();
    const ended = await cluster.settle(only);
    expect(statuses(ended)).toEqual(['SUCCEEDED']);
    expect(ended.map(({ prompts }) => prompts).sort()).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    for (const { id, prompts } of ended) {
      if (prompts > 1) continue;
      expect(await product.admin.hmget(product.keys.job(id), 'attempts', 'failures')).toEqual(['1', '0']);
    }
  });
});
