import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { anonymous } from '../../../src/callers/identity.ts';
import type { JobEvent } from '../../../src/core/events.ts';
import type { Graph } from '../../../src/core/graph.ts';
import { createRedisPreviewPublisher } from '../../../src/progress/redis/redis-previews.ts';
import { createRedisProgress } from '../../../src/progress/redis/redis-progress.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import type { Timings } from '../../../worker/timings.ts';
import { silent } from '../../support/gateway-store.ts';
import { pixelsOf } from '../../support/png.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { monitorRedis } from '../../support/redis-monitor.ts';
import { type Harness, recordedGraph, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

async function setUp() {
  await using stack = new AsyncDisposableStack();
  const harness = stack.use(await startHarness(redis.url));
  const { keys } = harness.stores;
  const subscriber = connectRedis({ url: redis.url, role: 'subscriber', log: silent });
  stack.defer(() => closeRedis(subscriber));
  await whenReady(subscriber);
  const feed = createRedisProgress({ redis: harness.stores.redis, subscriber, keys, log: silent });
  stack.defer(() => feed.close());
  /** Previews that went over Redis. */
  const published = { count: 0 };
  const monitor = await monitorRedis(redis.port, ({ name, key }) => {
    if (name === 'publish' && key.startsWith(`${keys.tag}previews:`)) published.count++;
  });
  stack.use(monitor);
  const owner = stack.move();
  return {
    harness,
    published,
    watch: (jobId: string, previews: boolean) => feed.watch({ jobId, identity: anonymous, afterSeq: null, previews }),
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

async function all(events: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const seen: JobEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

const previewsOf = (events: JobEvent[]) => events.filter(({ type }) => type === 'PREVIEW');

async function picture(pixels: number, steps: number): Promise<Graph> {
  const graph = await recordedGraph('30_text_to_image');
  for (const { class_type, inputs } of Object.values(graph)) {
    if (class_type === 'KSampler') Object.assign(inputs, { steps });
    if (class_type === 'EmptyLatentImage') Object.assign(inputs, { width: pixels, height: pixels });
  }
  return graph;
}

const work = (harness: Harness, url: string, timings: Partial<Timings> = {}) =>
  harness.work({ main: url }, { previewMethod: 'latent2rgb', timings });

/**
 * A way to a ComfyUI on which the client's first message, its flags, is lost; and the types of the frames that come
 * back.
 */
async function withoutFlags(target: string) {
  const types = new Set<number>();
  const server = createServer((asked, answer) => {
    const options = { method: asked.method, headers: asked.headers };
    asked.pipe(
      request(new URL(asked.url ?? '', target), options, (answered) => {
        answer.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.pipe(answer);
      }),
    );
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (client, { url = '' }) => {
    const comfy = new WebSocket(new URL(url, target.replace('http', 'ws')));
    comfy.on('message', (data: Buffer, isBinary) => {
      if (isBinary) types.add(data.readUInt32BE(0));
      client.send(data, { binary: isBinary });
    });
    client.on('close', () => comfy.close());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    types,
    async [Symbol.asyncDispose]() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('previews', () => {
  test('go to those who watch them, as pictures, at most five a second, and change nothing else', async () => {
    await using parts = await setUp();
    const { harness, published, watch } = parts;
    const simulator = await harness.simulate({ speed: 0.2 });
    const id = await harness.submit(await picture(64, 20));
    const [watched, other] = [all(await watch(id, true)), all(await watch(id, false))];
    // Of a job that waits, so that its first picture is one already.
    await vi.waitFor(async () => expect(await harness.stores.redis.exists(harness.stores.keys.previewed(id))).toBe(1));
    const { durable, keys } = harness.stores;
    const publisher = createRedisPreviewPublisher(durable, keys);
    const sent: number[] = [];
    const previewPublisher: typeof publisher = {
      publish(...preview) {
        sent.push(performance.now());
        return publisher.publish(...preview);
      },
    };
    const began = performance.now();
    // It looks at once, and not again.
    const timings = { lease: 60_000 };
    harness.work({ main: simulator.url }, { previewMethod: 'latent2rgb', timings, previewPublisher });
    const [events, plain] = await Promise.all([watched, other]);

    const previews = previewsOf(events);
    expect(previews.length).toBeGreaterThan(3);
    await vi.waitFor(() => expect(published.count).toBe(sent.length));
    expect(previews.length).toBeLessThanOrEqual(sent.length);
    for (const { preview, job } of previews) {
      expect(preview?.contentType).toBe('image/png');
      expect(await pixelsOf(Buffer.from(preview?.data ?? '', 'base64'))).toMatchObject({ width: 8, height: 8 });
      expect(job).toMatchObject({ id, status: 'RUNNING' });
    }
    // Since before the first: one that is held up on its way comes closer to the next.
    expect(sent.length).toBeLessThanOrEqual(2 + ((sent.at(-1) ?? 0) - began) / 200);

    const numbers = events.map(({ seq }) => seq);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(events.at(-1)?.type).toBe('SUCCEEDED');
    expect(previewsOf(plain)).toEqual([]);
    expect(plain.at(-1)?.seq).toBe(events.at(-1)?.seq);
    // The log has no trace of them.
    const log = await harness.stores.redis.xrange(harness.stores.keys.events(id), '-', '+');
    expect(JSON.stringify(log)).not.toContain('PREVIEW');
  });

  test('of a job that nobody previews are not carried over Redis', async () => {
    await using parts = await setUp();
    const { harness, published, watch } = parts;
    const simulator = await harness.simulate({ speed: 1 });
    work(harness, simulator.url);
    const id = await harness.submit(await picture(64, 20));
    expect(previewsOf(await all(await watch(id, false)))).toEqual([]);
    expect(published.count).toBe(0);
    expect(await harness.stores.redis.exists(harness.stores.keys.previewed(id))).toBe(0);
  });

  test('begin soon after somebody comes to watch a job that runs, and leave nothing behind', async () => {
    await using parts = await setUp();
    const { harness, published, watch } = parts;
    const { redis: client, keys } = harness.stores;
    const simulator = await harness.simulate({ speed: 0.1 });
    simulator.faults.set({ holdAt: 'VAEDecode' });
    work(harness, simulator.url);
    const id = await harness.submit(await picture(64, 20));
    await harness.until(id, ({ progress: { node } }) => node?.classType === 'KSampler' && (node.step ?? 0) > 0);
    expect(published.count).toBe(0);
    const watching = await watch(id, true);
    for await (const { type } of watching) if (type === 'PREVIEW') break;
    await vi.waitFor(async () =>
      expect(await client.pubsub('NUMSUB', keys.previews(id))).toEqual([keys.previews(id), 0]),
    );
    expect((await harness.job(id)).status).toBe('RUNNING');
    simulator.faults.set({ holdAt: null });
    await harness.ended(id);
  });

  test('are none where the method is none', async () => {
    await using parts = await setUp();
    const { harness, published, watch } = parts;
    const simulator = await harness.simulate({ speed: 1 });
    const id = await harness.submit(await picture(64, 20));
    const watched = all(await watch(id, true));
    harness.work({ main: simulator.url }, { previewMethod: 'none' });
    expect(previewsOf(await watched)).toEqual([]);
    expect(published.count).toBe(0);
  });

  test('are not the pictures that a node sends as its results, and pictures of another prompt', async () => {
    await using parts = await setUp();
    const { harness, published, watch } = parts;
    const simulator = await harness.simulate({ speed: 1 });
    simulator.faults.set({ foreignMessages: true });
    const id = await harness.submit(await recordedGraph('17_ws_binary_images'));
    const watched = all(await watch(id, true));
    work(harness, simulator.url);
    expect(previewsOf(await watched)).toEqual([]);
    expect(published.count).toBe(0);
    expect((await harness.job(id)).artifacts).toHaveLength(5);
  });
});

describe('a ComfyUI whose pictures do not say what they are of', () => {
  test('has its previews and its results told apart by the node that runs', async () => {
    await using parts = await setUp();
    const { harness, watch } = parts;
    // Slow: it runs for some seconds after it is watched.
    const simulator = await harness.simulate({ speed: 0.1 });
    await using proxy = await withoutFlags(simulator.url);
    work(harness, proxy.url);
    const results = await harness.ended(await harness.submit(await recordedGraph('17_ws_binary_images')));
    expect(results.artifacts).toHaveLength(5);
    const id = await harness.submit(await picture(64, 20));
    const events = await all(await watch(id, true));
    expect(previewsOf(events).length).toBeGreaterThan(0);
    expect(events.at(-1)?.job.artifacts).toHaveLength(1);
    expect(proxy.types).toEqual(new Set([1]));
  });
});

describe('the time that nodes take', () => {
  test('is in the job, in the order in which they ran, also when it fails', async () => {
    await using parts = await setUp();
    const { harness } = parts;
    const simulator = await harness.simulate({ speed: 2 });
    harness.work({ main: simulator.url });
    const graph = await picture(64, 20);
    const { timings } = await harness.ended(await harness.submit(graph));
    expect(timings.map(({ classType }) => classType)).toEqual([
      'CheckpointLoaderSimple',
      'EmptyLatentImage',
      'CLIPTextEncode',
      'CLIPTextEncode',
      'KSampler',
      'VAEDecode',
      'SaveImage',
    ]);
    // 20 steps of 10 ms.
    const sampler = timings.find(({ classType }) => classType === 'KSampler');
    expect(sampler?.ms).toBeGreaterThan(150);
    expect(timings.every(({ cached, ms }) => !cached && Math.round(ms * 10) === ms * 10)).toBe(true);

    simulator.faults.set({ nodeError: { kind: 'exception', node: 'SaveImage' } });
    const failed = await harness.ended(await harness.submit(graph));
    expect(failed.status).toBe('FAILED');
    expect(failed.timings.filter(({ cached }) => cached)).toHaveLength(6);
    expect(failed.timings.at(-1)).toMatchObject({ classType: 'SaveImage', cached: false });
  });

  test('weighs the progress of later jobs, at this worker and at a new one', async () => {
    await using parts = await setUp();
    const { harness, watch } = parts;
    const { redis: client, keys } = harness.stores;
    const simulator = await harness.simulate({ speed: 0.5 });
    const first = harness.work({ main: simulator.url });

    /** How far the job is said to be while it samples, by the share of the sampling that is done. */
    async function sampled(seed: number) {
      const graph = await picture(64, 20);
      for (const { inputs } of Object.values(graph)) if ('seed' in inputs) inputs.seed = seed;
      const id = await harness.submit(graph);
      const events = await all(await watch(id, false));
      expect(events.at(-1)?.type).toBe('SUCCEEDED');
      const steps = events.flatMap(({ job: { progress } }) => {
        const { fraction, node } = progress;
        return node?.classType === 'KSampler' && node.step ? [{ fraction, share: node.step / 20 }] : [];
      });
      expect(steps.length).toBeGreaterThan(0);
      return steps;
    }

    /** What the sampling is of all that is not kept from the last job, by the times that were learned. */
    async function samplersPart() {
      const times = await client.hgetall(keys.nodeTimes);
      const sampling = 20 * Number(times['main/KSampler/step']);
      const rest = Number(times['main/VAEDecode']) + Number(times['main/SaveImage']);
      // 20 steps of 40 ms.
      expect(sampling).toBeGreaterThan(600);
      return sampling / (sampling + rest);
    }

    // In steps of the sampler, of which there are 20 (see core/node-work.ts): a loader, two texts and a size before it,
    // a picture from latents and a file behind it.
    const [before, behind] = [2 + 2 * 0.5 + 0.1, 2 + 0.5];
    for (const { fraction, share } of await sampled(1)) {
      expect(fraction).toBeCloseTo((before + 20 * share) / (before + 20 + behind), 2);
    }
    await vi.waitFor(async () => expect(await client.hexists(keys.nodeTimes, 'main/SaveImage')).toBe(1));
    const learned = await samplersPart();
    for (const { fraction, share } of await sampled(2)) expect(fraction).toBeCloseTo(learned * share, 2);
    await first.close();
    harness.work({ main: simulator.url });
    const shared = await samplersPart();
    for (const { fraction, share } of await sampled(3)) expect(fraction).toBeCloseTo(shared * share, 2);
  });

  test('that cannot be read from Redis is no matter', async () => {
    await using parts = await setUp();
    const { harness } = parts;
    const { redis: client, keys } = harness.stores;
    await client.hset(keys.nodeTimes, {
      'main/EmptyImage': 'soon',
      'main/SaveImage': '-5',
      'main/x': '',
      y: 'Infinity',
    });
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    expect((await harness.ended(await harness.submit(await recordedGraph('01_single_image')))).status).toBe(
      'SUCCEEDED',
    );
    const learned = async () => Number(await client.hget(keys.nodeTimes, 'main/SaveImage'));
    await vi.waitFor(async () => expect(await learned()).toBeGreaterThan(0), { timeout: 5_000 });
  });
});
