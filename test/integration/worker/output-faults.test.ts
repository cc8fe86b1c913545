import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Graph } from '../../../src/core/graph.ts';
import { withoutOwnPrefix } from '../../../worker/comfyui/prompt.ts';
import { startComfyuiProxy } from '../../support/comfyui-proxy.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { nameAtComfyui } from '../../support/result-name.ts';
import { graph, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

/** Three pictures by one node and one by another. */
const several: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: 3, color: 255 } },
  '2': { class_type: 'EmptyImage', inputs: { width: 32, height: 32, batch_size: 1, color: 1 } },
  '8': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
  '9': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
};

/** Runs the graph at a server of which `answer` answers for these files. */
async function run(names: string[], answer: (res: ServerResponse) => void) {
  await using harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  await using proxy = await startComfyuiProxy(simulator.port);
  let asked = 0;
  proxy.onView = (query, res) => {
    if (!names.includes(withoutOwnPrefix(query.get('filename') ?? ''))) return false;
    asked++;
    answer(res);
    return true;
  };
  harness.work({ main: proxy.url });
  const job = await harness.ended(await harness.submit(several));
  const stored = await Promise.all(job.artifacts.map(async (artifact) => (await harness.bytes(artifact)).length));
  expect(stored).toEqual(job.artifacts.map(({ sizeBytes }) => sizeBytes));
  expect(await harness.leftovers()).toEqual([]);
  expect(simulator.posts).toBe(1);
  return { job, asked, files: job.artifacts.map(({ filename }) => nameAtComfyui(filename)) };
}

describe('B17 one bad file of several', () => {
  test('that is no picture: the others are delivered, the job says which, and another run would not help', async () => {
    const { job, files, asked } = await run(['8_00002_.png'], (res) => res.end('Internal Server Error'));
    expect(files).toEqual(['8_00001_.png', '8_00003_.png', '9_00001_.png']);
    expect(job).toMatchObject({ status: 'FAILED', attempts: 1 });
    expect(job.error).toEqual({
      code: 'OUTPUT_INVALID',
      message: 'SaveImage (node 8): 8_00002_.png is not what its name says',
      nodeId: '8',
      classType: 'SaveImage',
      retryable: false,
    });
    expect(asked).toBe(1);
  });

  test('that is cut off each time: another run may help', async () => {
    const cutOff = (res: ServerResponse) => {
      res.writeHead(200, { 'content-length': '1000' }).write('abc', () => res.destroy());
    };
    const { job, files, asked } = await run(['9_00001_.png'], cutOff);
    expect(files).toEqual(['8_00001_.png', '8_00002_.png', '8_00003_.png']);
    const message = 'SaveImage (node 9): 9_00001_.png could not be read whole';
    expect(job.error).toMatchObject({ code: 'OUTPUT_INVALID', message, nodeId: '9', retryable: true });
    expect(asked).toBe(3);
  });

  test('and of different faults: one that another run cannot help is named, and how many there are', async () => {
    let first = true;
    const { job, files } = await run(['8_00001_.png', '9_00001_.png'], (res) => {
      if (first) res.writeHead(404).end();
      else res.end('<html>');
      first = false;
    });
    expect(files).toEqual(['8_00002_.png', '8_00003_.png']);
    expect(job.error).toMatchObject({
      retryable: false,
      message: expect.stringMatching(/is not what its name says \(and 1 more\)$/),
    });
  });
});

test('B17 what ExecutionBlocker said is told of a job without a result', async () => {
  await using harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  simulator.faults.set({ blockedInput: true, noOutputs: true });
  harness.work({ main: simulator.url });
  const job = await harness.ended(await harness.submit(graph));
  expect(job.error).toEqual({
    code: 'NO_OUTPUT',
    message: 'The workflow ended well and left no result. SaveImage (node 9): Execution Blocked: simulated',
    nodeId: '9',
    classType: 'SaveImage',
    retryable: false,
  });
});
