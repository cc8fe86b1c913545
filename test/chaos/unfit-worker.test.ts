import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { findMinio, startTestMinio } from '../support/minio.ts';
import { type ProductProcess, tempFolder } from '../support/process.ts';
import { eventually, type Gateway, onlySimulator, openProduct, type Product } from '../support/product.ts';
import { mountSmallDisk } from '../support/small-disk.ts';

const MIB = 1024 * 1024;
const shiftedClock = new URL('../support/shifted-clock.mjs', import.meta.url);

/** A worker whose probes can be asked. */
async function probedWorker(product: Product, env: Record<string, string>) {
  const port = await freePort();
  const worker = await product.worker({ ADMIN_PORT: String(port), ...env });
  const whyNotReady = async (): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    return answer.ok ? '' : JSON.stringify(await answer.json());
  };
  return { worker, whyNotReady };
}

async function endsOf(gateway: Gateway, ids: string[]) {
  const ends = await Promise.all(ids.map((id) => gateway.watch(id).end(60_000)));
  return ends.map(({ job }) => job);
}

/** Jobs that came while only the unfit worker was there are done by the next one. */
async function expectLeftToOthers(product: Product, gateway: Gateway, unfit: ProductProcess) {
  const ids = await Promise.all(Array.from({ length: 4 }, async () => (await gateway.generate()).id));
  await unfit.until('takes no jobs');
  const waiting = await Promise.all(ids.map((id) => gateway.job(id)));
  expect(waiting.map((job) => [job?.status, job?.attempts])).toEqual(ids.map(() => ['QUEUED', 0]));
  await product.worker();
  const jobs = await endsOf(gateway, ids);
  expect(jobs.map(({ status, attempts }) => [status, attempts])).toEqual(ids.map(() => ['SUCCEEDED', 1]));
  for (const job of jobs) await gateway.expectWhole(job);
}

describe('a worker that is not well', { timeout: 240_000 }, () => {
  it('B08 whose TMPDIR is full hands its jobs over, and takes none until there is room', async (test) => {
    // Only root may mount, as CI is; a developer's machine runs all the rest.
    const disk = (await mountSmallDisk(128 * MIB)) ?? test.skip('this user may not mount a small disk');
    const product = await openProduct(test);
    test.onTestFinished(disk.close);
    const simulator = onlySimulator(product);
    const gateway = await product.gateway();
    const { worker, whyNotReady } = await probedWorker(product, { TMPDIR: disk.path });
    await eventually(async () => (await whyNotReady()) === '', 'the worker is ready');
    simulator.faults.current.hold = true;
    const first = await Promise.all([gateway.generate(), gateway.generate()]);
    await eventually(() => simulator.posts === 2, 'both slots of the worker are taken');
    await disk.fill();
    const well = await product.worker();
    simulator.faults.reset();
    const more = await Promise.all(Array.from({ length: 58 }, () => gateway.generate()));
    const jobs = await endsOf(
      gateway,
      [...first, ...more].map(({ id }) => id),
    );
    expect(jobs.filter(({ status }) => status !== 'SUCCEEDED')).toEqual([]);
    for (const job of jobs) await gateway.expectWhole(job);
    expect(simulator.posts).toBe(60);
    await eventually(async () => (await whyNotReady()).includes('TMPDIR'), 'the worker says what is wrong');

    // Alone it takes nothing, and with room everything.
    await well.stop();
    const late = await gateway.generate();
    await disk.makeRoom();
    const [ended] = await endsOf(gateway, [late.id]);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    await eventually(async () => (await whyNotReady()) === '', 'the worker is ready again');
    expect(worker.output()).toContain('takes jobs again');
  });

  it('B08 whose folder for results is broken takes nothing, and says so', async (test) => {
    const product = await openProduct(test);
    const folder = await tempFolder();
    test.onTestFinished(folder.remove);
    const file = join(folder.path, 'file');
    await writeFile(file, '');
    const gateway = await product.gateway();
    const { worker, whyNotReady } = await probedWorker(product, { DATA_DIR: join(file, 'data') });
    await expectLeftToOthers(product, gateway, worker);
    await eventually(async () => (await whyNotReady()).includes('refuses it'), 'the worker says what is wrong');
  });

  it.skipIf(findMinio() === null)(
    'B08 whose clock is twenty minutes off takes nothing, since S3 refuses it, until it is put right',
    async (test) => {
      const minio = await startTestMinio();
      test.onTestFinished(minio.close);
      const product = await openProduct(test, { minio });
      const folder = await tempFolder();
      test.onTestFinished(folder.remove);
      const clock = join(folder.path, 'clock');
      await writeFile(clock, String(20 / 60));
      const gateway = await product.gateway();
      const { worker, whyNotReady } = await probedWorker(product, {
        CLOCK_FILE: clock,
        NODE_OPTIONS: `--import ${shiftedClock.href}`,
      });
      await expectLeftToOthers(product, gateway, worker);
      await eventually(async () => (await whyNotReady()).includes('refuses it'), 'the worker says what is wrong');
      await writeFile(clock, '0');
      await eventually(async () => (await whyNotReady()) === '', 'the worker is ready');
    },
  );
});
