import { expect, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { startProduct } from '../../support/process.ts';
import { eventually, openProduct } from '../../support/product.ts';

test('a gateway that starts while Redis is down is alive and waits; one that serves stays alive', async (context) => {
  const product = await openProduct(context);
  const [port, adminPort] = [await freePort(), await freePort()];
  await product.redis.kill();
  const env = { ...product.env, PORT: String(port), ADMIN_PORT: String(adminPort) };
  const gateway = startProduct(['gateway'], env);
  context.onTestFinished(() => gateway.kill());

  const statusOf = async (at: number, path: string) =>
    (await fetch(`http://127.0.0.1:${at}${path}`, { signal: AbortSignal.timeout(5_000) }).catch(() => null))?.status;
  await eventually(async () => (await statusOf(adminPort, '/healthz')) === 200, 'it lives', 60_000);
  await gateway.until('redis connection lost', 60_000);
  expect(await statusOf(adminPort, '/healthz')).toBe(200);
  expect(await statusOf(adminPort, '/readyz')).toBe(503);
  expect(await statusOf(port, '/healthz')).toBeUndefined();

  await product.redis.restart();
  await eventually(async () => (await statusOf(port, '/readyz')) === 200, 'it serves without a restart', 60_000);
  await product.redis.kill();
  await eventually(async () => (await statusOf(port, '/readyz')) === 503, 'it is not ready');
  for (const at of [port, adminPort]) expect(await statusOf(at, '/healthz')).toBe(200);
}, 120_000);
