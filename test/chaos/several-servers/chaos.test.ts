import { expect, it } from 'vitest';
import { eventually } from '../../support/product.ts';
import { names, onlyThird, openCluster } from './cluster.ts';

it('C01, C03, C14, C15 at once: worker and server die, one restarts, one is silent; all jobs succeed', async (test) => {
  const cluster = await openCluster(test);
  const [first] = await Promise.all([cluster.worker(), cluster.worker()]);
  for (const name of names) await cluster.seen(name, 'UP');
  const { gateway } = cluster;
  const third = cluster.simulator('comfy3');
  for (const name of names) cluster.simulator(name).faults.set({ hold: true });
  const jobs = [...(await cluster.burst(18)), ...(await cluster.burst(6, onlyThird))];
  await eventually(() => names.every((name) => cluster.simulator(name).posts === 4), 'all places are taken');

  cluster.simulator('comfy1').faults.set({ reset: true, dropPromptAnswer: 2, restart: 1_000 });
  cluster.wires[2].blackHole(true);
  await Promise.all([first.kill(), cluster.kill('comfy2')]);
  // A caller who has had enough is not kept waiting by what is silent.
  const there = await Promise.all(jobs.map(({ id }) => gateway.job(id)));
  // The last one: it waits for the silent server, and no other can begin it meanwhile.
  const unwanted = there.findLast((job) => job?.status === 'QUEUED');
  if (!unwanted) throw new Error('none waits');
  expect((await gateway.cancel(unwanted.id)).status).toBe('CANCELED');
  await cluster.seen('comfy3', 'DOWN');
  await cluster.worker();
  await cluster.restart('comfy2');
  third.faults.reset();
  cluster.wires[2].blackHole(false);
  cluster.product.ledger.mended();

  const ended = await cluster.settle(jobs, 90_000);
  expect(ended.filter(({ status }) => status !== 'SUCCEEDED').map(({ id, status }) => [id, status])).toEqual([
    [unwanted.id, 'CANCELED'],
  ]);
  for (const { id, prompts, backend } of ended.filter(({ status }) => status === 'SUCCEEDED')) {
    expect(prompts, id).toBeGreaterThanOrEqual(1);
    // What only was silent is not done again.
    expect(prompts, id).toBeLessThanOrEqual(backend === 'comfy3' ? 2 : 3);
  }
}, 180_000);
