import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { tempFolder } from '../../support/process.ts';
import { eventually, onlySimulator, openProduct } from '../../support/product.ts';

const shipped = new URL('../../../workflows', import.meta.url).pathname;

/** The workflows as the next version has them: what textToImage makes is saved twice. */
async function nextWorkflows(folder: string): Promise<string> {
  const next = join(folder, 'workflows');
  await cp(shipped, next, { recursive: true });
  const path = join(next, 'textToImage', 'graph.json');
  const graph = z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(path, 'utf8')));
  await writeFile(path, JSON.stringify({ ...graph, '10': graph['9'] }));
  return next;
}

const OLD_RESULTS = 1;
const NEW_RESULTS = 2;

it('an upgrade loses and doubles no job: old and new side by side, each job on the graph that it was accepted with', {
  timeout: 240_000,
}, async (test) => {
  const folder = await tempFolder();
  test.onTestFinished(folder.remove);
  const next = { WORKFLOWS_DIR: await nextWorkflows(folder.path) };
  const product = await openProduct(test, { env: { SHUTDOWN_TIMEOUT: '4', BACKEND_DEPTH: '1' } });
  const simulator = onlySimulator(product);
  const [oldGateway, oldWorker] = await Promise.all([product.gateway(), product.worker()]);

  // The gateway first: what it accepts is run by a worker that has never seen that graph.
  const newGateway = await product.gateway(next);
  const early = await newGateway.generate();
  const { job: earlyEnd } = await newGateway.watch(early.id, { once: true }).end();
  await newGateway.expectWhole(earlyEnd, NEW_RESULTS);

  // Then, with one job of the old gateway in ComfyUI and others waiting, the worker.
  simulator.faults.current.hold = true;
  const keys = Array.from({ length: 6 }, (_, i) => `upgrade ${i}`);
  const ofOld = await Promise.all(keys.map((key) => oldGateway.generate({ key })));
  const ofNew = await Promise.all(Array.from({ length: 4 }, () => newGateway.generate()));
  await eventually(() => simulator.posts === 2, 'one runs');
  const watching = ofOld.map(({ id }) => newGateway.watch(id, { once: true }));
  await product.worker(next);
  await eventually(() => simulator.posts === 3, 'the new worker has taken one, too');
  const began = performance.now();
  const codes = await Promise.all([oldWorker.stop(), oldGateway.process.stop()]);
  expect(codes).toEqual([0, 0]);
  expect(performance.now() - began).toBeLessThan(8_000);

  // Whoever lost the answer of the old gateway asks the new one, which has other workflows.
  const asked = await Promise.all(keys.map((key) => newGateway.generate({ key })));
  expect(asked.map(({ id }) => id)).toEqual(ofOld.map(({ id }) => id));
  simulator.faults.reset();

  for (const watch of watching) await newGateway.expectWhole((await watch.end()).job, OLD_RESULTS);
  for (const { id } of ofNew) {
    await newGateway.expectWhole((await newGateway.watch(id, { once: true }).end()).job, NEW_RESULTS);
  }
  // What the old worker handed over in the middle of its prompt has been waited for, not run again.
  expect(simulator.posts).toBe(1 + ofOld.length + ofNew.length);
  expect(await product.admin.zcard(product.keys.jobs('anonymous'))).toBe(simulator.posts);
});
