import { expect, test, vi } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { startProduct } from '../../support/process.ts';
import { eventually, type Lifetime, onlySimulator, openProduct } from '../../support/product.ts';

/** Runs `comfygate health` to its end. */
async function health(env: Record<string, string>, ...args: string[]) {
  const process = startProduct(['health', ...args], env);
  const code = await process.exited;
  return { code, output: process.output() };
}

/** What is so for long is asked until it is told: a Redis that stands still for a quarter of a second is told first. */
async function told<T>(ask: () => Promise<T>, expected: unknown): Promise<T> {
  return vi.waitFor(
    async () => {
      const answer = await ask();
      expect(answer).toEqual(expected);
      return answer;
    },
    { timeout: 30_000, interval: 100 },
  );
}

async function withWorker(lifetime: Lifetime) {
  const product = await openProduct(lifetime);
  const port = await freePort();
  const env = { ADMIN_PORT: String(port) };
  const worker = await product.worker(env);
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5_000) });
    return { code: response.status, ...(await response.json()) };
  };
  await eventually(async () => (await get('/health')).status === 'HEALTHY', 'the worker is well');
  return { product, worker, env, get };
}

test('a worker is ready with Redis, storage and a ComfyUI, names what is missing, and stays alive', async (context) => {
  const { product, env, get } = await withWorker(context);
  const report = await told(() => get('/health'), expect.objectContaining({ code: 200, status: 'HEALTHY' }));
  expect(report.checks.map(({ name }: { name: string }) => name)).toEqual(['loops', 'redis', 'storage', 'comfyui']);

  const simulator = onlySimulator(product);
  await simulator.close();
  const reasons = [expect.stringMatching(/^worker: no ComfyUI takes work: down: comfy1 \(/)];
  await told(() => get('/readyz'), { code: 503, status: 'not ready', reasons });
  const notReady = await health(env, '--ready');
  expect(notReady).toEqual({ code: 1, output: expect.stringContaining('no ComfyUI takes work') });
  expect(notReady.output).not.toContain(`:${simulator.port}`);
  expect(await health(env, '--live')).toEqual({ code: 0, output: 'alive\n' });
  await product.restartSimulator(0);
  await eventually(async () => (await get('/readyz')).code === 200, 'it is ready again');

  product.redis.pause();
  try {
    await eventually(async () => (await get('/readyz')).code === 503, 'it is not ready without Redis');
    expect(await get('/readyz')).toMatchObject({ code: 503, reasons: ['worker: redis does not answer'] });
    const told = await health(env);
    expect(told.code).toBe(1);
    expect(told.output).toMatch(/^UNHEALTHY\n[\s\S]*redis +UNHEALTHY +since \d{4}-.*Z +redis does not answer\n/);
    expect(await get('/healthz')).toMatchObject({ code: 200 });
  } finally {
    product.redis.resume();
  }
  await eventually(async () => (await get('/readyz')).code === 200, 'it is ready after Redis came back');
}, 120_000);

test('`comfygate health` fails for a process that hangs or is not there, and says which', async (context) => {
  const { worker, env } = await withWorker(context);
  const json = await told(() => health(env, '--json'), expect.objectContaining({ code: 0 }));
  expect(JSON.parse(json.output)).toMatchObject({ status: 'HEALTHY', checks: [{ name: 'loops' }, {}, {}, {}] });
  worker.signal('SIGSTOP');
  try {
    const hung = await health(env, '--live');
    expect(hung).toEqual({ code: 1, output: expect.stringContaining('did not answer within 4 s') });
  } finally {
    worker.signal('SIGCONT');
  }
  await worker.stop();
  expect(await health(env, '--live')).toEqual({ code: 1, output: expect.stringContaining('cannot be reached') });
  expect(await health({ ADMIN_PORT: '0' })).toEqual({ code: 1, output: expect.stringContaining('expected --url') });
  const noAddress = await health({}, '--url', 'localhost:1');
  expect(noAddress).toEqual({ code: 1, output: expect.stringContaining('--url: expected an address') });
}, 120_000);

test('one process that is both answers for both; a simulator answers, too', async (context) => {
  const product = await openProduct(context);
  const env = { ADMIN_PORT: String(await freePort()) };
  const gateway = await product.both(env);
  await eventually(async () => (await health(env, '--ready')).code === 0, 'both are ready');
  const { output } = await told(() => health(env), expect.objectContaining({ code: 0 }));
  for (const name of ['redis', 'storage', 'workers', 'comfyui', 'worker loops', 'worker comfyui']) {
    expect(output).toMatch(new RegExp(`^  ${name} +HEALTHY +since \\d{4}-`, 'm'));
  }
  await told(() => health({ PORT: String(gateway.port) }), { code: 0, output: 'HEALTHY\n' });
  const address = `http://127.0.0.1:${env.ADMIN_PORT}`;
  await told(() => health({}, '--ready', '--url', address), { code: 0, output: 'ready\n' });
  const missing = await health({}, '--url', `${address}/nothing`);
  expect(missing).toEqual({ code: 1, output: expect.stringContaining('answered 404, and no health') });
  const stats = await health({}, '--url', `${onlySimulator(product).url}/system_stats`);
  expect(stats).toEqual({ code: 0, output: 'OK\n' });
  const { data } = await gateway.post('{ health { checks { name since message } } }');
  expect(data).toMatchObject({
    health: { checks: [{ name: 'redis', since: expect.stringMatching(/^\d{4}-.*Z$/) }, {}, {}, {}] },
  });
}, 120_000);
