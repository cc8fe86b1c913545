import { eventually, type Lifetime, onlySimulator, openProduct, type ProductOptions } from '../support/product.ts';

/** A gateway, a worker, and a watched job in whose middle ComfyUI waits until its faults are reset. */
export async function openHeldJob(
  test: Lifetime,
  options: ProductOptions = {},
  workerEnv: Record<string, string> = {},
) {
  const product = await openProduct(test, options);
  const simulator = onlySimulator(product);
  const [gateway, worker] = await Promise.all([product.gateway(), product.worker(workerEnv)]);
  simulator.faults.current.hold = true;
  const job = await gateway.generate();
  const watching = gateway.watch(job.id, { once: true });
  await watching.until(({ job: { status } }) => status === 'RUNNING');
  await eventually(() => simulator.posts === 1, 'the prompt is posted');
  return { product, simulator, gateway, worker, job, watching };
}
