import { expect, test } from 'vitest';
import * as z from 'zod';
import { startComfyuiProxy } from '../support/comfyui-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { eventually, onlySimulator, openProduct } from '../support/product.ts';
import { sendLarge } from '../support/send-large.ts';

const MIB = 2 ** 20;
/** How often each route lies before it says the truth. */
const TIMES = 3;

test('B13 answers that are large, deep and endless neither kill a worker nor hold it up', async (context) => {
  const product = await openProduct(context);
  await using proxy = await startComfyuiProxy(onlySimulator(product).port);
  const told = new Map<string, number>();
  proxy.onRequest = ({ url = '' }, res) => {
    const [route = ''] = /^\/api\/(?:system_stats|prompt$|object_info$|jobs\/|history\/)/.exec(url) ?? [];
    const times = (told.get(route) ?? 0) + 1;
    if (route === '' || times > TIMES) return false;
    told.set(route, times);
    if (times === 1) void sendLarge(res, '{"a":[', '"",', 120e6, '""]}');
    else if (times === 2) res.end(`${'['.repeat(10 * MIB)}${']'.repeat(10 * MIB)}`);
    else void sendLarge(res, '{"system":{"comfyui_version":"/home/me/', 'x', Number.POSITIVE_INFINITY, '"}}');
    return true;
  };
  const port = await freePort();
  const [gateway, worker] = await Promise.all([
    product.gateway(),
    product.worker({
      COMFYUI_URLS: `liar=${proxy.url}`,
      ADMIN_PORT: String(port),
      NODE_OPTIONS: '--max-old-space-size=96',
    }),
  ]);
  const job = await gateway.generate();
  const watching = gateway.watch(job.id, { once: true });
  let slowestMs = 0;
  const probes = setInterval(async () => {
    const began = performance.now();
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
    await answer.text();
    slowestMs = Math.max(slowestMs, performance.now() - began);
  }, 20);
  const { job: ended } = await watching.end(90_000).finally(() => clearInterval(probes));
  expect(ended).toMatchObject({ status: 'SUCCEEDED' });
  await gateway.expectWhole(ended);
  expect([...told.values()]).toEqual([TIMES, TIMES, TIMES, TIMES, TIMES]);
  console.info(`B13 /healthz took ${Math.round(slowestMs)} ms at most`);
  // On a machine that has much else to do; it was held up for minutes, or killed.
  expect(slowestMs).toBeLessThan(10_000);
  expect(worker.output()).not.toContain('heap out of memory');
  const schema = z.object({ backends: z.array(z.object({ comfyuiVersion: z.string().nullable() })) });
  await eventually(
    async () => (await gateway.ask(schema, '{ backends { comfyuiVersion } }')).backends.length > 0,
    'the server is shown',
  );
}, 150_000);
