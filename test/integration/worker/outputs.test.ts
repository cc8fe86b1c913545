import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Graph } from '../../../src/core/graph.ts';
import type { Artifact, Job } from '../../../src/core/job.ts';
import { pngTexts } from '../../../src/simulator/media/png.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { startComfyuiProxy } from '../../support/comfyui-proxy.ts';
import { pixelsOf } from '../../support/png.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { nameAtComfyui } from '../../support/result-name.ts';
import { type Harness, recordedGraph, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

interface Choice {
  outputs?: string[];
  keepMetadata?: boolean;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function submit(harness: Harness, graph: Graph, choice: Choice = {}): Promise<string> {
  return await harness.submit(graph, { parameters: { graph, ...choice } });
}

/** The job, with each file as it is stored. */
async function run(harness: Harness, graph: Graph, choice: Choice = {}) {
  const job = await harness.ended(await submit(harness, graph, choice));
  const files = await Promise.all(
    job.artifacts.map(async (artifact) => ({ artifact, bytes: await harness.bytes(artifact) })),
  );
  for (const { artifact, bytes } of files) {
    expect(artifact).toMatchObject({ sha256: sha256(bytes), sizeBytes: bytes.length });
  }
  expect(await harness.leftovers()).toEqual([]);
  return { job, files };
}

/** What ComfyUI itself serves for a result of the job's first submission. */
async function served(simulator: Simulator, job: Job, { filename }: Artifact): Promise<Buffer> {
  const query = new URLSearchParams({ filename: `comfygate-${promptIdOf(job.id, 1)}-${nameAtComfyui(filename)}` });
  return Buffer.from(await (await fetch(`${simulator.url}/view?${query}`)).arrayBuffer());
}

const described = ({ kind, contentType, node, width, height, durationSeconds }: Artifact) =>
  [node, kind, contentType, width && `${width}x${height}`, durationSeconds && `${durationSeconds.toFixed(1)} s`]
    .filter((part) => part !== null)
    .join(' ');

const frames = (batch_size: number): Graph => ({
  '1': { class_type: 'EmptyImage', inputs: { width: 40, height: 30, batch_size, color: 255 } },
  '2': { class_type: 'SaveImageWebsocket', inputs: { images: ['1', 0] } },
});

describe('what a recorded graph makes', () => {
  test.each<[string, string[]]>([
    ['01_single_image', ['3 image image/png 256x192']],
    [
      '04_multi_output',
      ['4 image image/png 80x80', '5 image image/png 80x80', '5 image image/png 80x80', '8 text text/plain'],
    ],
    ['06_video_mp4', ['4 video video/mp4 128x96 1.0 s']],
    ['07_video_webm', ['2 video video/webm 128x96 1.0 s']],
    ['09_text', ['3 text text/plain', '5 text text/plain']],
    ['10_save_text_file', ['2 text application/json']],
    ['11_mask', ['4 image image/png 64x64']],
    ['14_latent_file', ['2 file application/octet-stream']],
    ['17_ws_binary_images', Array(5).fill('2 image image/png 64x64')],
  ])('%s is delivered as ComfyUI serves it, without its workflow', async (name, expected) => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const { job, files } = await run(harness, await recordedGraph(name));
    expect(job).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(files.map(({ artifact }) => described(artifact))).toEqual(expected);
    expect(new Set(job.artifacts.map(({ id }) => id)).size).toBe(expected.length);

    for (const { artifact, bytes } of files) {
      if (artifact.contentType === 'image/png') expect(bytes.includes('class_type')).toBe(false);
      if (name.startsWith('17') || (artifact.kind === 'text' && artifact.contentType === 'text/plain')) continue;
      const original = await served(simulator, job, artifact);
      if (artifact.contentType !== 'image/png') {
        expect(bytes.equals(original)).toBe(true);
        continue;
      }
      expect(pngTexts(original).map(([keyword]) => keyword)).toContain('prompt');
      expect(pngTexts(bytes)).toEqual([]);
      expect(await pixelsOf(bytes)).toEqual(await pixelsOf(original));
    }
  });

  test.each<[string, string[], string]>([
    ['15_image_compare', ['3'], 'ImageCompare 3'],
    ['16_preview_only', ['2'], 'PreviewImage 2'],
  ])('%s makes temporary files: nothing unless its node is named, and that is said', async (name, outputs, said) => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const graph = await recordedGraph(name);
    const unnamed = await run(harness, graph);
    expect(unnamed.job).toMatchObject({ status: 'FAILED', error: { code: 'NO_OUTPUT' }, failures: 0 });
    expect(unnamed.job.error?.message).toContain(`(${said})`);
    const { job } = await run(harness, graph, { outputs });
    expect(job.status).toBe('SUCCEEDED');
    expect(job.artifacts.map(described)).toEqual(Array(2).fill(`${outputs[0]} image image/png 64x64`));
  });
});

describe('outputs that are chosen', () => {
  test('come alone, their temporary files with them; none of them is NO_OUTPUT', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const graph = await recordedGraph('04_multi_output');
    const { job } = await run(harness, graph, { outputs: ['6', '5'] });
    expect(job.artifacts.map(({ node }) => node)).toEqual(['5', '5', '6']);
    const none = await run(harness, graph, { outputs: ['3'] });
    expect(none.job).toMatchObject({ status: 'FAILED', error: { code: 'NO_OUTPUT' } });
  });

  test('have the names that the workflow gives them', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const graph = await recordedGraph('04_multi_output');
    const outputs = [
      { node: '4', name: 'picture' },
      { node: '8', name: null },
    ];
    const text = JSON.stringify({ name: 'multi', graph, parameters: {}, outputs });
    const template = { hash: sha256(Buffer.from(text)), text };
    const id = await harness.submit(graph, { workflow: 'multi', template, parameters: {} });
    const { artifacts } = await harness.ended(id);
    expect(artifacts.map(({ node, output }) => [node, output])).toEqual([
      ['4', 'picture'],
      ['8', null],
    ]);
  });

  test('keep the workflow inside where that is asked for: byte for byte what ComfyUI serves', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const { job, files } = await run(harness, await recordedGraph('02_image_batch'), { keepMetadata: true });
    expect(files).toHaveLength(4);
    for (const { artifact, bytes } of files) {
      expect(bytes.equals(await served(simulator, job, artifact))).toBe(true);
      expect(bytes.includes('class_type')).toBe(true);
    }
  });
});

describe('pictures that come over the socket alone', () => {
  test('stand at the place of their node, in order', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const graph: Graph = {
      ...frames(2),
      '0': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
      '3': { class_type: 'PreviewAny', inputs: { source: 'said' } },
    };
    const { job } = await run(harness, graph);
    expect(job.artifacts.map(({ node, filename }) => `${node} ${nameAtComfyui(filename)}`)).toEqual([
      '0 0_00001_.png',
      '0 0_00002_.png',
      '2 2_3.png',
      '2 2_4.png',
      '3 3_text_5.txt',
    ]);
  });

  test('are results of whatever class sends them, and the worker waits for none that does not', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    await using proxy = await startComfyuiProxy(simulator.port);
    // A class that the simulator does not have: it is told that it is the stock one.
    proxy.onRequest = ({ method, url = '' }, res) => {
      if (method === 'GET' && url === '/api/object_info') {
        void fetch(simulator.url + url)
          .then((answer) => answer.text())
          .then((text) => res.end(text.replaceAll('SaveImageWebsocket', 'SendImages')));
      }
      return method === 'GET' && url === '/api/object_info';
    };
    proxy.rewrite = (body) => body.replaceAll('"SendImages"', '"SaveImageWebsocket"');
    harness.work({ main: proxy.url });
    const sending = frames(2);
    const { job } = await run(harness, {
      ...sending,
      '2': { class_type: 'SendImages', inputs: { images: ['1', 0] } },
      '3': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
    });
    expect(job.artifacts.map(described)).toEqual([
      '2 image image/png 40x30',
      '2 image image/png 40x30',
      '3 image image/png 40x30',
      '3 image image/png 40x30',
    ]);
  });

  test('and were lost with their socket are made again, once, from what ComfyUI has kept', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate({ speed: 1 });
    simulator.faults.set({ holdAt: 'SaveImageWebsocket' });
    // It looks when its socket is made anew, and not before the pictures are lost.
    harness.work({ main: simulator.url }, { timings: { poll: 60_000 } });
    const id = await submit(harness, frames(3));
    await harness.until(id, ({ progress }) => progress.node?.id === '2');
    simulator.faults.set({ closeSockets: true, socketDeaf: true, holdAt: null });
    await vi.waitFor(async () => {
      expect(await (await fetch(`${simulator.url}/history`)).json()).toHaveProperty(promptIdOf(id, 1));
    });
    simulator.faults.set({ closeSockets: true, socketDeaf: false });
    const job = await harness.ended(id);
    expect(job).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 2 } });
    expect(job.artifacts.map(described)).toEqual(Array(3).fill('2 image image/png 40x30'));
    expect(simulator.promptIds).toEqual([promptIdOf(id, 1), promptIdOf(id, 2)]);
    // The picture was drawn once, and sent twice.
    expect(simulator.nodesRun).toBe(3);
  });

  test('and were sent to a worker that died are made again by its successor', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    simulator.faults.set({ hold: true });
    const first = harness.work({ main: simulator.url });
    const id = await submit(harness, frames(2));
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1), { timeout: 5_000 });
    await first.close();
    simulator.faults.reset();
    await vi.waitFor(async () => {
      const queue = await (await fetch(`${simulator.url}/queue`)).json();
      expect(queue).toEqual({ queue_running: [], queue_pending: [] });
    });
    harness.work({ main: simulator.url });
    const job = await harness.ended(id);
    expect(job).toMatchObject({ status: 'SUCCEEDED', submission: { number: 2 } });
    expect(job.artifacts).toHaveLength(2);
  });

  test('and never come, since the socket is silent, end the job by its attempts', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    simulator.faults.set({ socketDeaf: true });
    harness.work({ main: simulator.url });
    const job = await harness.ended(await submit(harness, frames(1)), 60_000);
    expect(job).toMatchObject({ status: 'FAILED', error: { code: 'COMFYUI_UNAVAILABLE' }, failures: 1 });
    expect(simulator.promptIds).toHaveLength(4);
  }, 70_000);
});

describe('texts', () => {
  test('are delivered empty, too, one for each item, and after all pictures', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const said = (source: string) => ({ class_type: 'PreviewAny', inputs: { source } });
    const { job, files } = await run(harness, { '0': said(''), '9': said('7'), ...frames(1) });
    expect(job.artifacts.map(described)).toEqual(['2 image image/png 40x30', '0 text text/plain', '9 text text/plain']);
    expect(files.slice(1).map(({ bytes }) => String(bytes))).toEqual(['', '7']);
  });
});

describe('hostile outputs', () => {
  test('more results than a job may have are refused, not cut short', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url }, { jobTimeoutMs: 120_000 });
    const job = await harness.ended(await submit(harness, frames(1_001)), 120_000);
    expect(job).toMatchObject({ status: 'FAILED', error: { code: 'OUTPUT_INVALID' } });
    expect(job.error?.message).toContain('1000');
    expect(await harness.leftovers()).toEqual([]);
  }, 140_000);

  test('a text that is too long to be shown is a file, whole', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const value = 'long '.repeat(300_000);
    const graph: Graph = {
      '1': { class_type: 'PrimitiveString', inputs: { value } },
      '2': { class_type: 'PreviewAny', inputs: { source: ['1', 0] } },
    };
    const { job, files } = await run(harness, graph);
    expect(job.artifacts.map(described)).toEqual(['2 file text/plain']);
    expect(files[0]?.bytes.toString()).toBe(value);
  });
});
