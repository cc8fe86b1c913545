import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Graph } from '../../../src/core/graph.ts';
import type { Json } from '../../../src/core/job.ts';
import type { NewJob } from '../../../src/job-record/job-store.ts';
import { createSeal } from '../../../src/job-record/seal.ts';
import { extraDataNodes as packs } from '../../support/extra-data-nodes.ts';
import { newJob } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { type Harness, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

const KEY = 'comfyui-of-the-caller/with @signs:8188';
const INSTALLATIONS = 'comfyui-of-the-installation';
const seal = createSeal('a secret of this test and of no other');

const partner = (prompt = 'a cat'): Graph => ({
  '1': { class_type: 'FluxKontextProImageNode', inputs: { prompt, aspect_ratio: '16:9' } },
  '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
});

/** A job with a key of its caller's. */
function withKey(graph: Graph, key = KEY): Partial<NewJob> {
  const { id } = newJob();
  return { id, sealedApiKey: seal.close(key, id), parameters: { graph } };
}

async function textOf(harness: Harness, id: string): Promise<string> {
  const job = await harness.ended(id);
  expect(job).toMatchObject({ status: 'SUCCEEDED', error: null });
  const [artifact] = job.artifacts;
  return artifact ? String(await harness.bytes(artifact)) : '';
}

describe('the key for partner nodes', () => {
  test("is the job's own, else the installation's, else none", async () => {
    await using harness = await startHarness(redis.url);
    const { url } = await harness.simulate({ packs });
    const unkeyed = harness.work({ main: url }, { seal });
    const none = await harness.ended(await harness.submit(partner()));
    expect(none).toMatchObject({ status: 'FAILED', error: { code: 'EXECUTION_FAILED', nodeId: '1' } });
    expect(none.error?.message).toContain('Please login first');
    const own = await harness.ended(await harness.submit(partner(), withKey(partner())));
    expect(own).toMatchObject({ status: 'SUCCEEDED' });
    await unkeyed.close();

    harness.work({ main: url }, { seal, orgApiKey: INSTALLATIONS });
    // Another prompt than that whose result is cached.
    const shared = await harness.ended(await harness.submit(partner('a dog')));
    expect(shared).toMatchObject({ status: 'SUCCEEDED' });
    const refused = await harness.ended(await harness.submit(partner('refuse'), withKey(partner('refuse'))));
    expect(refused.error?.message).not.toContain('installation');
  });

  test('is nowhere in what a node says of it, whatever else that is cut to', async () => {
    await using harness = await startHarness(redis.url);
    const { url } = await harness.simulate({ packs });
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });
    harness.work({ main: url }, { seal, orgApiKey: INSTALLATIONS, log });
    const jobs = [
      await harness.submit(partner('refuse'), withKey(partner('refuse'))),
      await harness.submit(partner('refuse')),
    ];
    for (const id of jobs) {
      const { error } = await harness.ended(id);
      expect(error?.message).toMatch(/X-API-KEY \[secret\]/);
      expect(error?.message).not.toMatch(/comfyui-of|the-caller|signs/);
    }
    expect(lines.join('')).not.toMatch(/comfyui-of|signs/);
  });

  test('is kept sealed until the job has ended, for that job alone, and is in no part of the record', async () => {
    await using harness = await startHarness(redis.url);
    const { gateway, worker, redis: client, keys } = harness.stores;
    const sealedKey = (id: string) => client.hget(keys.job(id), 'sealedApiKey');
    const graph = partner();
    const ends: [string, (id: string) => Promise<unknown>][] = [
      ['canceled while it waits', (id) => gateway.requestCancel(id)],
      [
        'run',
        async (id) => {
          const claim = await worker.claim(id);
          if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
          // As it is after a worker has died.
          expect(await sealedKey(id)).not.toBeNull();
          const { progress } = claim.job;
          await worker.move(id, claim.job.lease, { move: 'succeed', artifacts: [], progress, timings: [] });
        },
      ],
    ];
    for (const [how, end] of ends) {
      const job = newJob(withKey(graph));
      await gateway.accept(job);
      const sealed = await sealedKey(job.id);
      expect(seal.open(sealed ?? '', job.id)).toBe(KEY);
      expect(seal.open(sealed ?? '', newJob().id)).toBeNull();
      expect(JSON.stringify(await client.hgetall(keys.job(job.id)))).not.toContain('comfyui-of');
      expect(JSON.stringify(await gateway.get(job.id))).not.toContain(sealed);
      await end(job.id);
      expect(await sealedKey(job.id), how).toBeNull();
      expect(JSON.stringify(await client.xrange(keys.events(job.id), '-', '+'))).not.toContain(sealed);
    }
  });

  test('that was sealed with another secret fails the job, instead of running it with another key', async () => {
    await using harness = await startHarness(redis.url);
    const { url, ...simulator } = await harness.simulate({ packs });
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line) => void lines.push(line) });
    const other = createSeal('a secret of another installation, or none at all');
    harness.work({ main: url }, { seal: other, orgApiKey: INSTALLATIONS, log });
    const job = await harness.ended(await harness.submit(partner(), withKey(partner())));
    expect(job).toMatchObject({ status: 'FAILED', error: { code: 'INTERNAL' }, submission: null });
    expect(job.error?.message).toMatch(/comfyOrgApiKey/);
    expect(lines.join('')).toContain('SIGNING_SECRET');
    expect(simulator.posts).toBe(0);
  });

  test('is opened only whole, and sealed anew each time', () => {
    const sealed = seal.close(KEY, 'a');
    expect(seal.close(KEY, 'a')).not.toBe(sealed);
    const bytes = Buffer.from(sealed, 'base64');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(seal.open(changed.toString('base64'), 'a')).toBeNull();
    }
    for (const cut of ['', sealed.slice(0, 20), sealed.slice(4), sealed.slice(0, -4)]) {
      expect(seal.open(cut, 'a')).toBeNull();
    }
  });
});

describe("the editor's workflow", () => {
  const graph: Graph = {
    '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 3368652 } },
    '2': { class_type: 'WidgetToString', inputs: { id: 1, widget_name: 'width', return_all: false } },
    '3': { class_type: 'PreviewAny', inputs: { source: ['2', 0] } },
  };
  const editorWorkflow = (width: Json) => ({ nodes: [{ id: 1, type: 'EmptyImage', widgets_values: [width, 64] }] });

  test('reaches the nodes that read it; without one nothing is sent', async () => {
    await using harness = await startHarness(redis.url);
    const { url } = await harness.simulate({ packs });
    harness.work({ main: url });
    const run = (parameters: NewJob['parameters']) => harness.submit(graph, { parameters });
    expect(await textOf(harness, await run({ graph, editorWorkflow: editorWorkflow(64) }))).toBe('64');
    const other = {
      ...graph,
      '2': { class_type: 'WidgetToString', inputs: { id: 1, widget_name: 'x', return_all: false } },
    };
    const large = editorWorkflow('18446744073709551615');
    expect(await textOf(harness, await run({ graph: other, editorWorkflow: large }))).toBe('18446744073709551615');
    const last = {
      ...graph,
      '2': { class_type: 'WidgetToString', inputs: { id: 1, widget_name: 'y', return_all: false } },
    };
    const none = await harness.ended(await run({ graph: last }));
    expect(none).toMatchObject({ status: 'FAILED', error: { code: 'EXECUTION_FAILED', nodeId: '2' } });
  });

  test('is in PNG files only where their metadata is kept', async () => {
    await using harness = await startHarness(redis.url);
    const { url } = await harness.simulate();
    harness.work({ main: url });
    const save: Graph = {
      '1': graph['1'] as Graph[string],
      '9': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
    };
    for (const keepMetadata of [false, true]) {
      const parameters = { graph: save, keepMetadata, editorWorkflow: { nodes: [{ id: 'of the editor' }] } };
      const job = await harness.ended(await harness.submit(save, { parameters }));
      const [artifact] = job.artifacts;
      if (!artifact) throw new Error('no artifact');
      expect((await harness.bytes(artifact)).includes('of the editor')).toBe(keepMetadata);
    }
  });
});
