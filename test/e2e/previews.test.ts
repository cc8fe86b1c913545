import { createClient } from 'graphql-ws';
import { beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { disposals } from '../support/disposals.ts';
import { pixelsOf } from '../support/png.ts';
import { eventually, type Gateway, onlySimulator, openProduct, type Product } from '../support/product.ts';
import { monitorRedis } from '../support/redis-monitor.ts';

const WATCH = `subscription Watch($id: ID!, $previews: Boolean) {
  jobProgress(id: $id, previews: $previews) {
    seq type preview { contentType data } job { status timings { nodeId classType ms cached } }
  }
}`;
const eventSchema = z.object({
  jobProgress: z.object({
    seq: z.int(),
    type: z.string(),
    preview: z.object({ contentType: z.string(), data: z.base64() }).nullable(),
    job: z.object({
      status: z.string(),
      timings: z.array(z.object({ nodeId: z.string(), classType: z.string(), ms: z.number(), cached: z.boolean() })),
    }),
  }),
});
type Seen = z.infer<typeof eventSchema>['jobProgress'];

describe('previews, from ComfyUI to an application', { timeout: 120_000 }, () => {
  const suite = disposals();
  let product: Product;
  let gateway: Gateway;

  beforeAll(async () => {
    product = await openProduct(suite, { speed: 0.3 });
    gateway = await product.both();
  }, 240_000);

  async function watch(id: string, previews?: boolean | null): Promise<Seen[]> {
    const url = `${gateway.url.replace('http', 'ws')}/graphql`;
    const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
    const seen: Seen[] = [];
    const variables = previews === undefined ? { id } : { id, previews };
    for await (const { data, errors } of client.iterate({ query: WATCH, variables })) {
      if (errors) throw errors[0];
      seen.push(eventSchema.parse(data).jobProgress);
    }
    await client.dispose();
    return seen;
  }

  const previewsOf = (events: Seen[]) => events.filter(({ type }) => type === 'PREVIEW');

  /** Commands that name something of a job's previews, and those that say or ask whether anybody watches them. */
  async function spy() {
    const commands: string[] = [];
    const flags: string[] = [];
    const monitor = await monitorRedis(product.redis.port, ({ name, key }) => {
      if (key.startsWith(`${product.keys.tag}previews:`)) commands.push(name);
      if (key.startsWith(`${product.keys.tag}previewed:`)) flags.push(name);
    });
    /** A worker has asked twice since it was said: it knows by the second time. */
    const isKnown = () =>
      flags.includes('set') && flags.slice(flags.indexOf('set')).filter((name) => name === 'exists').length >= 2;
    return { commands, isKnown, [Symbol.dispose]: () => monitor[Symbol.dispose]() };
  }

  it('come as pictures to a client that asks for them, and to no other', async () => {
    using seen = await spy();
    const { faults } = onlySimulator(product);
    faults.set({ holdAt: 'KSampler' });
    const { id } = await gateway.generate({ parameters: { steps: 30, width: 256, height: 192 } });
    const watching = Promise.all([watch(id, true), watch(id, false), watch(id), watch(id, null)]);
    await eventually(seen.isKnown, 'the worker knows that they are watched');
    faults.reset();
    const [watched, ...others] = await watching;
    const previews = previewsOf(watched);
    expect(previews.length).toBeGreaterThanOrEqual(1);
    for (const { preview } of previews) {
      expect(preview?.contentType).toBe('image/png');
      const picture = await pixelsOf(Buffer.from(preview?.data ?? '', 'base64'));
      expect(picture).toMatchObject({ width: 32, height: 24 });
    }
    expect(watched.at(-1)?.type).toBe('SUCCEEDED');
    expect(watched.filter(({ type, preview }) => type !== 'PREVIEW' && preview !== null)).toEqual([]);
    for (const other of others) expect(previewsOf(other)).toEqual([]);
    expect(seen.commands.filter((name) => name === 'publish').length).toBeGreaterThanOrEqual(previews.length);
    // Whoever watches afterwards gets none.
    expect((await watch(id, true)).map(({ type }) => type)).toEqual(['SNAPSHOT', 'SUCCEEDED']);

    const timings = watched.at(-1)?.job.timings ?? [];
    expect(timings.map(({ classType }) => classType)).toContain('KSampler');
    expect(Math.max(...timings.map(({ ms }) => ms))).toBe(
      timings.find(({ classType }) => classType === 'KSampler')?.ms,
    );
  });

  it('that nobody asks for are not in Redis', async () => {
    using seen = await spy();
    const { id } = await gateway.generate({ parameters: { steps: 30 } });
    expect((await watch(id)).at(-1)?.type).toBe('SUCCEEDED');
    expect(seen.commands).toEqual([]);
    expect(await product.admin.exists(product.keys.previewed(id))).toBe(0);
  });
});
