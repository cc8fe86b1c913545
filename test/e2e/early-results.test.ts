import { expect, it } from 'vitest';
import { onlySimulator, openProduct } from '../support/product.ts';

const graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: 1, color: 255 } },
  '2': { class_type: 'EmptyImage', inputs: { width: 32, height: 32, batch_size: 1, color: 1 } },
  '3': { class_type: 'ImageInvert', inputs: { image: ['2', 0] } },
  '8': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
  '9': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'x' } },
};

it('a watcher is told of a result, and fetches it, while the job still runs', { timeout: 120_000 }, async (test) => {
  const product = await openProduct(test);
  const simulator = onlySimulator(product);
  const gateway = await product.both();
  simulator.faults.set({ holdAt: '3' });
  const { id } = await gateway.generate({ input: { workflow: { custom: { graph } } } });
  const watching = gateway.watch(id);
  const { job: running } = await watching.until(({ type }) => type === 'OUTPUT');
  expect(running.status).toBe('RUNNING');
  await gateway.expectWhole(running, 1);
  // Whoever asks, too, and not only who watches.
  expect((await gateway.job(id))?.artifacts.map(({ sha256 }) => sha256)).toEqual([running.artifacts[0]?.sha256]);
  simulator.faults.reset();
  const { job } = await watching.end();
  await gateway.expectWhole(job, 2);
  expect(job.artifacts[0]?.sha256).toBe(running.artifacts[0]?.sha256);
  // Whoever comes back for what was missed is told of it, too.
  const replayed = gateway.watch(id, { afterSeq: 1, once: true });
  await replayed.end();
  expect(replayed.events.map(({ type }) => type)).toEqual(['STARTED', 'OUTPUT', 'SUCCEEDED']);
});
