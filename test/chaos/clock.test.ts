import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../support/process.ts';
import { eventually, onlySimulator, openProduct } from '../support/product.ts';

const preload = new URL('../support/shifted-clock.mjs', import.meta.url);

describe.concurrent('C21 clocks that jump', { timeout: 120_000 }, () => {
  it.for([25, -25])(
    'by %i hours, of one gateway and one worker: nothing ends early, and nothing is held for ever',
    async (hours, test) => {
      // Before the processes that read from it, so that it is removed after them.
      const folder = await tempFolder();
      test.onTestFinished(folder.remove);
      const product = await openProduct(test);
      const simulator = onlySimulator(product);
      const clock = { CLOCK_FILE: join(folder.path, 'clock'), NODE_OPTIONS: `--import ${preload.href}` };
      await writeFile(clock.CLOCK_FILE, '0');
      const [right, wrong, jumping] = await Promise.all([
        product.gateway(),
        product.gateway(clock),
        product.worker(clock),
      ]);
      simulator.faults.current.hold = true;
      const key = randomUUID();
      const held = await wrong.generate({ key });
      const watching = wrong.watch(held.id);
      await watching.until(({ job: { status } }) => status === 'RUNNING');

      await writeFile(clock.CLOCK_FILE, String(hours));
      const logged = () => jumping.output() + wrong.process.output();
      const away = () => new Date(Date.now() + hours * 3_600_000).toISOString().slice(0, 10);
      const day = away();
      // A sweep or two of its own clock.
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      expect(await right.job(held.id)).toMatchObject({ status: 'RUNNING', attempts: 1 });
      expect((await wrong.generate({ key })).id).toBe(held.id);

      // What it hands back is dated by its clock, and no other worker would look for it before tomorrow.
      const exit = jumping.stop(60_000);
      await product.worker();
      expect(await exit).toBe(0);
      expect([day, away()].some((each) => logged().includes(each))).toBe(true);
      simulator.faults.reset();
      product.ledger.mended();
      const { job } = await watching.end(40_000);
      expect(job).toMatchObject({ status: 'SUCCEEDED', attempts: 2 });
      expect(simulator.posts).toBe(1);

      // Addresses that one gateway makes are good at the other.
      for (const gateway of [right, wrong]) {
        const seen = await gateway.job(held.id);
        for (const { url } of seen?.artifacts ?? []) {
          const { pathname, search } = new URL(url);
          for (const at of [right, wrong]) expect((await fetch(`${at.url}${pathname}${search}`)).status).toBe(200);
        }
        expect(seen?.artifacts).toHaveLength(1);
      }
      const next = await wrong.generate();
      expect((await right.watch(next.id).end()).type).toBe('SUCCEEDED');
      await eventually(async () => (await product.admin.zcard(product.keys.open)) === 0, 'no job is open');
    },
  );
});
