import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Graph } from '../../../src/core/graph.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { startComfyuiProxy } from '../../support/comfyui-proxy.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { nameAtComfyui } from '../../support/result-name.ts';
import { recordedGraph, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

/** Runs the same job twice, one after the other. */
async function twice(graph: Graph, outputs?: string[]) {
  await using harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  harness.work({ main: simulator.url });
  const parameters = { graph, ...(outputs ? { outputs } : {}) };
  const runs = [];
  for (let i = 0; i < 2; i++) {
    const before = simulator.nodesRun;
    const job = await harness.ended(await harness.submit(graph, { parameters }));
    const files = await Promise.all(job.artifacts.map((artifact) => harness.bytes(artifact)));
    runs.push({ job, files, nodesRun: simulator.nodesRun - before });
  }
  const [first, second] = runs;
  if (!first || !second) throw new Error('it did not run twice');
  return { first, second, simulator };
}

test('a job whose graph ComfyUI has cached delivers its own files, and nothing is computed again', async () => {
  const { first, second, simulator } = await twice(await recordedGraph('30_text_to_image'));
  expect([first.job.status, second.job.status]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  expect([first.nodesRun, second.nodesRun]).toEqual([7, 1]);
  expect(second.files).toHaveLength(1);
  expect(simulator.promptIds).toEqual([promptIdOf(first.job.id, 1), promptIdOf(second.job.id, 1)]);
  expect(first.job.artifacts[0]?.key).not.toBe(second.job.artifacts[0]?.key);
});

const shown: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: 2, color: 255 } },
  '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
  '3': { class_type: 'SolidMask', inputs: { value: 0.5, width: 64, height: 48 } },
  '4': { class_type: 'MaskPreview', inputs: { mask: ['3', 0] } },
  '5': { class_type: 'PreviewAny', inputs: { source: 'alpha' } },
};

const passedOn: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: 1, color: 255 } },
  '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
  '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
};

test('an output node that passes something on answers from the cache, as in a graph that is posted', async () => {
  const { first, second } = await twice(passedOn);
  expect([first.job.status, second.job.status]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  expect([first.nodesRun, second.nodesRun]).toEqual([3, 1]);
  expect(second.job.artifacts.map(({ node }) => node)).toEqual(['3']);
});

test('and runs anew where its files are wanted, once, in a prompt of its own', async () => {
  const { first, second } = await twice(passedOn, ['2', '3']);
  expect([first.job.status, second.job.status]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  expect([first.job.submission?.number, second.job.submission?.number]).toEqual([1, 2]);
  expect([first.nodesRun, second.nodesRun]).toEqual([3, 1 + 2]);
  expect(second.job.artifacts.map(({ node }) => node)).toEqual(['2', '3']);
  const [before, after] = [first, second].map(({ job }) => nameAtComfyui(job.artifacts[0]?.filename ?? ''));
  expect(after).not.toBe(before);
});

const savedOnTheWay: Graph = {
  ...passedOn,
  '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'on the way' } },
};

test('files named for what they are made of are taken from the cache, and so is all that is behind them', async () => {
  const { first, second, simulator } = await twice(savedOnTheWay);
  expect([first.job.status, second.job.status]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  expect([first.nodesRun, second.nodesRun]).toEqual([3, 1]);
  expect(simulator.posts).toBe(2);
  expect(second.job.artifacts.map(({ node }) => node)).toEqual(['2', '3']);
  expect(second.files).toEqual(first.files);
});

test('unless they have been removed: then they are made anew, in a prompt of its own', async () => {
  await using harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  await using proxy = await startComfyuiProxy(simulator.port);
  harness.work({ main: proxy.url });
  const run = async () => harness.ended(await harness.submit(savedOnTheWay, { parameters: { graph: savedOnTheWay } }));
  const first = await run();
  proxy.onRequest = ({ url = '' }, res) => {
    const isRemoved = simulator.posts < 3 && url.startsWith('/api/view');
    if (isRemoved) res.writeHead(404).end();
    return isRemoved;
  };
  const second = await run();
  expect([first.submission?.number, second.submission?.number]).toEqual([1, 2]);
  expect(second).toMatchObject({ status: 'SUCCEEDED', attempts: 1, artifacts: [{ node: '2' }, { node: '3' }] });
  expect(await Promise.all(second.artifacts.map(harness.bytes))).toEqual(
    await Promise.all(first.artifacts.map(harness.bytes)),
  );
});

test('but not for ever at a server that says it each time', async () => {
  await using harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  await using proxy = await startComfyuiProxy(simulator.port);
  proxy.onRequest = ({ method, url = '' }, res) => {
    const isHistory = method === 'GET' && url.startsWith('/api/history/');
    if (isHistory) {
      void fetch(simulator.url + url)
        .then((answer) => answer.text())
        .then((text) => res.end(text.replaceAll(/"nodes": ?\[[^\]]*\]/g, '"nodes":["1","2"]')));
    }
    return isHistory;
  };
  harness.work({ main: proxy.url });
  const job = await harness.ended(await harness.submit(passedOn, { parameters: { graph: passedOn, outputs: ['2'] } }));
  expect(job).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 2 } });
  expect(simulator.posts).toBe(2);
});

test('and may answer texts from the cache', async () => {
  const said: Graph = {
    '1': { class_type: 'PreviewAny', inputs: { source: 'alpha' } },
    '2': { class_type: 'PreviewAny', inputs: { source: ['1', 0] } },
  };
  const { second } = await twice(said);
  expect(second.job).toMatchObject({ status: 'SUCCEEDED', submission: { number: 1 } });
  expect([second.nodesRun, second.files.map(String)]).toEqual([1, ['alpha', 'alpha']]);
});

test('nodes whose files have no name of their own make them anew', async () => {
  const { first, second } = await twice(shown, ['2', '4', '5']);
  expect([first.job.status, second.job.status]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  expect([first.nodesRun, second.nodesRun]).toEqual([5, 3]);
  expect(second.files).toHaveLength(4);
  // Names of temporary files are drawn anew for each prompt that makes them.
  const names = [first, second].map(({ job }) => job.artifacts.map(({ filename }) => nameAtComfyui(filename)));
  expect(names[0]?.filter((name) => /\.png$/.test(name) && names[1]?.includes(name))).toEqual([]);
});
