import type { IncomingMessage, ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { createComfyHttp } from '../../../worker/comfyui/http.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { startComfyuiProxy } from '../../support/comfyui-proxy.ts';
import { listen } from '../../support/listen.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { sendLarge } from '../../support/send-large.ts';
import { graph, type Harness, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

type Lie = (req: IncomingMessage, res: ServerResponse) => boolean;

/** A worker with a server that lies and one that does not, which is drained until the job has met the lie. */
async function withLiar(harness: Harness, lie: Lie) {
  const simulators = [await harness.simulate(), await harness.simulate()] as [Simulator, Simulator];
  const proxy = await startComfyuiProxy(simulators[0].port);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  let lies = 0;
  proxy.onRequest = (req, res) => lie(req, res) && ++lies > 0;
  const names: { [name: string]: string } = { liar: proxy.url, honest: simulators[1].url };
  const { keys, redis: admin } = harness.stores;
  await admin.sadd(keys.draining, 'honest');
  const worker = harness.work(names, { jobAttempts: 3, jobTimeoutMs: 100_000 });
  const honest = () => worker.backends().find(({ name }) => name === 'honest')?.status;
  await expect.poll(honest).toBe('DRAINING');
  const id = await harness.submit(graph);
  await expect.poll(() => lies).toBeGreaterThan(0);
  await admin.srem(keys.draining, 'honest');
  return { id, simulators, lies: () => lies };
}

const isHistory = ({ url = '' }: IncomingMessage) => url.startsWith('/api/history/');
const idIn = ({ url = '' }: IncomingMessage) => url.split('/').at(-1) ?? '';

describe('B13 a ComfyUI that lies about a prompt', { timeout: 180_000 }, () => {
  test.each<[name: string, lie: (id: string, res: ServerResponse) => unknown]>([
    [
      "the entry of another prompt under the job's id",
      (id, res) => {
        const other = promptIdOf('0197c5a4-7e3f-7c10-9d3b-0f8a5d1c2b3e', 1);
        const outputs = { '9': { images: [{ filename: 'x_00001_.png', subfolder: '', type: 'output' }] } };
        const status = { status_str: 'success', completed: true, messages: [] };
        res.end(JSON.stringify({ [id]: { prompt: [0, other, {}, {}, []], outputs, status } }));
      },
    ],
    [
      'a history of a hundred megabytes',
      (id, res) => sendLarge(res, `{"${id}":{"outputs":{"9":[`, '"x",', 100e6, '""]}}}'),
    ],
    ['one that is nested deeply', (id, res) => res.end(`{"${id}":{"outputs":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`)],
    ['one of a million values', (id, res) => sendLarge(res, `{"${id}":{"outputs":{"9":[`, '{},', 4e6, '{}]}}}')],
  ])('%s: the job is run elsewhere, and delivered from there', async (_, lie) => {
    await using harness = await startHarness(redis.url);
    const { id, simulators } = await withLiar(harness, (req, res) => {
      if (!isHistory(req)) return false;
      void lie(idIn(req), res);
      return true;
    });
    const job = await harness.ended(id, 100_000);
    expect(job).toMatchObject({ status: 'SUCCEEDED', submission: { backend: 'honest' } });
    expect(simulators[1].posts).toBe(1);
    expect(await harness.leftovers()).toEqual([]);
  });

  test('an endless file is given up, and leaves nothing on the disk', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    await using proxy = await startComfyuiProxy(simulator.port);
    proxy.onRequest = (req, res) => {
      if (!req.url?.startsWith('/api/view')) return false;
      void sendLarge(res, '', 'x', Number.POSITIVE_INFINITY, '');
      return true;
    };
    harness.work({ main: proxy.url }, { jobTimeoutMs: 150_000 });
    const job = await harness.ended(await harness.submit(graph), 150_000);
    expect(job).toMatchObject({ status: 'FAILED', error: { code: 'OUTPUT_INVALID' } });
    expect(await harness.leftovers()).toEqual([]);
  });
});

test('B13 while fifteen megabytes of a history are parsed, nothing else waits', async () => {
  const address = await listen((req, res) => {
    const entry = { prompt: [0, idIn(req), {}, {}, []], outputs: {}, filler: '' };
    const [head = '', tail = ''] = JSON.stringify({ [idIn(req)]: entry }).split('"filler":""');
    void sendLarge(res, `${head}"filler":[`, `{"a":"${'b'.repeat(180)}"},`, 15e6, `{}]${tail}`);
  });
  const http = createComfyHttp(address);
  onTestFinished(() => http.close());
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  expect(await createComfyClient(http).history('p')).toMatchObject({ prompt: 'p', outputs: {} });
  delay.disable();
  console.info(`B13 the loop stood still for ${Math.round(delay.max / 1e6)} ms at most`);
  // On a machine that has much else to do.
  expect(delay.max / 1e6).toBeLessThan(1_000);
});

test('B13 what a server says of itself is shown in a few characters, without paths', async () => {
  const version = `0.33.0 /home/me/ComfyUI ${'x'.repeat(800_000)}`;
  const http = createComfyHttp(
    await listen((_req, res) => void res.end(JSON.stringify({ system: { comfyui_version: version }, devices: [] }))),
  );
  onTestFinished(() => http.close());
  const { comfyuiVersion } = await createComfyClient(http).systemStats();
  expect(comfyuiVersion).toMatch(/^0\.33\.0 \[path\] x+$/);
  expect(comfyuiVersion?.length).toBeLessThanOrEqual(100);
});
