import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Graph } from '../../../src/core/graph.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { nameAtComfyui } from '../../support/result-name.ts';
import { recordedGraph, rememberProgress, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const images = (batch_size: number): Graph => ({
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size, color: 255 } },
  '9': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: '../../evil' } },
});

describe('a job', () => {
  test('runs and delivers exactly the files that ComfyUI made', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate({ speed: 20 });
    harness.work({ main: simulator.url });
    const graph = await recordedGraph('30_text_to_image');
    const id = await harness.submit(graph, { parameters: { graph, keepMetadata: true } });
    const job = await harness.ended(id);

    expect(job).toMatchObject({
      status: 'SUCCEEDED',
      error: null,
      attempts: 1,
      failures: 0,
      submission: { number: 1, backend: 'main' },
      progress: { fraction: 1, nodesDone: 7, nodesTotal: 7, node: null },
    });
    const promptId = promptIdOf(id, 1);
    expect(simulator.promptIds).toEqual([promptId]);
    expect(job.artifacts).toMatchObject([
      {
        id: `${id}:0`,
        kind: 'image',
        contentType: 'image/png',
        filename: `custom-${id.slice(-8)}-9_00001_.png`,
        node: '9',
        width: 512,
        height: 512,
      },
    ]);
    const [artifact] = job.artifacts;
    if (!artifact) throw new Error('no artifact');
    const query = new URLSearchParams({ filename: `comfygate-${promptId}-${nameAtComfyui(artifact.filename)}` });
    const original = Buffer.from(await (await fetch(`${simulator.url}/view?${query}`)).arrayBuffer());
    expect(await harness.bytes(artifact)).toEqual(original);
    expect(artifact).toMatchObject({ sha256: sha256(original), sizeBytes: original.length });
    expect(await harness.leftovers()).toEqual([]);
    await vi.waitFor(async () => expect(await (await fetch(`${simulator.url}/history`)).json()).toEqual({}));
  });

  test('shows little when its sampler begins, also the first one of an installation', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    simulator.faults.set({ holdAt: 'KSampler' });
    harness.work({ main: simulator.url });
    const graph = await recordedGraph('30_text_to_image');
    const { inputs } = Object.values(graph).find(({ class_type }) => class_type === 'KSampler') ?? {};
    if (inputs) inputs.steps = 20;
    const id = await harness.submit(graph);
    const held = await harness.until(id, ({ progress }) => progress.node?.classType === 'KSampler');
    expect(held.progress.nodesDone).toBe(4);
    expect(held.progress.fraction).toBeGreaterThan(0);
    expect(held.progress.fraction).toBeLessThan(0.15);
    simulator.faults.set({ holdAt: null });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', progress: { fraction: 1 } });
  });

  test('tells of nodes and steps as they go, and never less than before', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate({ speed: 0.5 });
    const { store, taken } = rememberProgress(harness.stores.worker);
    harness.work({ main: simulator.url }, { store });
    await harness.until(await harness.submit(await recordedGraph('30_text_to_image')), 'SUCCEEDED');
    const fractions = taken.map(({ fraction }) => fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(taken.filter(({ node }) => node?.classType === 'KSampler' && node.step !== null).length).toBeGreaterThan(3);
  });

  test('of a batch delivers every image, in order', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const { artifacts, status } = await harness.ended(await harness.submit(images(4)));
    expect(status).toBe('SUCCEEDED');
    expect(artifacts.map(({ filename }) => nameAtComfyui(filename))).toEqual(
      [1, 2, 3, 4].map((n) => `9_0000${n}_.png`),
    );
    for (const artifact of artifacts) expect(sha256(await harness.bytes(artifact))).toBe(artifact.sha256);
  });

  test('delivers the texts of text nodes, and the file of a node that saves one', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const texts = await harness.ended(await harness.submit(await recordedGraph('09_text')));
    expect(texts.artifacts.map(({ kind, node, contentType }) => [kind, node, contentType])).toEqual([
      ['text', '3', 'text/plain'],
      ['text', '5', 'text/plain'],
    ]);
    const [first] = texts.artifacts;
    expect(first && (await harness.bytes(first)).toString()).toBe('alpha / beta – ünïcode ✓');
  });

  test('with nothing but previews fails with NO_OUTPUT', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const job = await harness.ended(await harness.submit(await recordedGraph('16_preview_only')));
    expect(job).toMatchObject({ status: 'FAILED', error: { code: 'NO_OUTPUT' }, failures: 0 });
  });

  test('whose template is gone fails with INTERNAL', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const template = { hash: 'gone', text: '{}' };
    const id = await harness.submit({}, { workflow: 'textToImage', template, parameters: {} });
    expect(await harness.ended(id)).toMatchObject({ status: 'FAILED', error: { code: 'INTERNAL' } });
  });
});

describe('a graph that ComfyUI refuses', () => {
  test.each([
    ['e08_value_not_in_list', '2', 'ImageScale', /^ImageScale \(node 2\): upscale_method: 'teleport' not in \[/],
    ['e05_value_smaller_than_min', '1', 'EmptyImage', /^EmptyImage \(node 1\): Value 0 smaller than min of 1/],
    ['e04_required_input_missing', '2', 'SaveImage', /Required input is missing: images/],
  ])('%s is WORKFLOW_REJECTED and names the node', async (name, nodeId, classType, message) => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const job = await harness.ended(await harness.submit(await recordedGraph(name)));
    expect(job).toMatchObject({
      status: 'FAILED',
      attempts: 1,
      error: { code: 'WORKFLOW_REJECTED', retryable: false },
    });
    expect(job.error).toMatchObject({ nodeId, classType });
    expect(job.error?.message).toMatch(message);
    expect(simulator.posts).toBe(0);
  });

  test('for a class that no known ComfyUI has is WORKFLOW_REJECTED, and bothers none of them', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const job = await harness.ended(await harness.submit(await recordedGraph('e01_missing_node_type')));
    expect(job).toMatchObject({
      status: 'FAILED',
      error: { code: 'WORKFLOW_REJECTED', nodeId: '1', message: expect.stringContaining('expected a class') },
    });
    expect(simulator.posts).toBe(0);
  });

  test('in part is cancelled and WORKFLOW_REJECTED: nobody wants half of the outputs', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    simulator.faults.set({ hold: true });
    harness.work({ main: simulator.url });
    const job = await harness.ended(await harness.submit(await recordedGraph('23_partly_invalid')));
    expect(job).toMatchObject({ status: 'FAILED', error: { code: 'WORKFLOW_REJECTED', nodeId: '3' } });
    simulator.faults.reset();
    await vi.waitFor(async () => {
      const queue = await (await fetch(`${simulator.url}/queue`)).json();
      expect(queue).toEqual({ queue_running: [], queue_pending: [] });
    });
    expect(simulator.interrupts).toBe(1);
  });
});

describe('a node that fails', () => {
  test('ends the job with its own words, and is not tried again', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    simulator.faults.set({ nodeError: { node: '9', message: "cannot write '/srv/comfy/output/x.png'" } });
    harness.work({ main: simulator.url });
    const job = await harness.ended(await harness.submit(images(1)));
    expect(job).toMatchObject({
      status: 'FAILED',
      attempts: 1,
      error: { code: 'EXECUTION_FAILED', nodeId: '9', classType: 'SaveImage', retryable: false },
    });
    expect(job.error?.message).toBe("SaveImage (node 9): cannot write '[path]'");
    expect(simulator.posts).toBe(1);
  });

  test('for want of memory is tried once more, after freeing it', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    simulator.faults.set({ nodeError: { kind: 'oom', times: 1 } });
    harness.work({ main: simulator.url });
    const id = await harness.submit(images(1));
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 2 } });
    expect(simulator.promptIds).toEqual([promptIdOf(id, 1), promptIdOf(id, 2)]);
  });

  test('for want of memory twice ends the job with OUT_OF_MEMORY', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    simulator.faults.set({ nodeError: { kind: 'oom' } });
    harness.work({ main: simulator.url });
    const job = await harness.ended(await harness.submit(images(1)));
    expect(job).toMatchObject({ status: 'FAILED', error: { code: 'OUT_OF_MEMORY', retryable: true } });
    expect(simulator.posts).toBe(2);
  });
});
