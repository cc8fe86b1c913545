import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { freePort } from '../../support/free-port.ts';
import { eventually, openProduct } from '../../support/product.ts';

const checksSchema = z.object({
  health: z.object({
    checks: z.array(z.object({ name: z.string(), status: z.string(), message: z.string().nullable() })),
  }),
});

it.each([
  [
    'without free memory',
    'maxmemory',
    '1mb',
    '0',
    /^Redis has no (?:memory left|room for more jobs)$/,
    'Redis has no memory left: no jobs are accepted, and none ends',
  ],
  [
    'without replicas',
    'min-replicas-to-write',
    '1',
    '0',
    /^Redis has too few replicas that follow it, and takes no writes$/,
    'Redis has too few replicas that follow it, and takes no writes: no jobs are accepted, and none ends',
  ],
])(
  'B16 Redis %s: health and every refused call say so, on both ports',
  async (_name, setting, bad, good, said, told) => {
    await using stack = new AsyncDisposableStack();
    const product = await openProduct({ onTestFinished: (dispose) => stack.defer(dispose) });
    const port = await freePort();
    const gateway = await product.gateway();
    await product.worker({ ADMIN_PORT: String(port) });
    const redisOf = (checks: z.infer<typeof checksSchema>['health']['checks']) =>
      checks.find(({ name }) => name === 'redis');
    const ofGateway = async () =>
      redisOf((await gateway.ask(checksSchema, '{ health { checks { name status message } } }')).health.checks);
    const ofWorker = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/health`);
      return redisOf(checksSchema.shape.health.parse(await answer.json()).checks);
    };
    await eventually(async () => (await ofGateway())?.status === 'HEALTHY', 'it is well');
    await product.admin.config('SET', setting, bad);
    for (const ask of [ofGateway, ofWorker]) await eventually(async () => (await ask())?.message === told, told);
    const refused = await gateway.tryGenerate();
    expect(refused).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
    expect(refused.errors[0]?.message).toMatch(said);
    await product.admin.config('SET', setting, good);
    for (const ask of [ofGateway, ofWorker])
      await eventually(async () => (await ask())?.status === 'HEALTHY', 'it is well again');
    await gateway.generate();
  },
  120_000,
);

it('B16 nothing is stored in the bare place of a data folder; health says so, and all comes with it', async (test) => {
  const product = await openProduct(test);
  const port = await freePort();
  const gateway = await product.gateway();
  await product.worker({ ADMIN_PORT: String(port) });
  const storage = async () => {
    const { health } = await gateway.ask(checksSchema, '{ health { checks { name status message } } }');
    return health.checks.find(({ name }) => name === 'storage');
  };
  const first = await gateway.generate();
  await gateway.watch(first.id).end();
  await eventually(async () => (await storage())?.status === 'HEALTHY', 'it is well');

  const folder = join(product.env.DATA_DIR ?? '', 'artifacts');
  await rename(folder, `${folder}-away`);
  await mkdir(folder);
  await eventually(async () => (await storage())?.status === 'UNHEALTHY', 'it is told');
  expect((await storage())?.message).toBe('the artifact folder is not the one that results are in: mount its disk');
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect(await ready.json()).toMatchObject({ reasons: [expect.stringContaining('mount its disk')] });

  // One that is started now does not take the bare place for new storage either.
  const second = await product.gateway();
  const { health } = await second.ask(checksSchema, '{ health { checks { name status message } } }');
  expect(health.checks.find(({ name }) => name === 'storage')).toMatchObject({ status: 'UNHEALTHY' });
  const job = await gateway.generate();
  const watching = gateway.watch(job.id);
  await eventually(async () => (await product.admin.zcard(product.keys.open)) === 1, 'it waits');
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
  await rename(`${folder}-away`, folder);
  await gateway.expectWhole((await watching.end(60_000)).job);
}, 240_000);
