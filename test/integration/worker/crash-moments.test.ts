import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { artifactKey } from '../../../src/artifacts/keys.ts';
import { createRedisBackendReporter } from '../../../src/backends/redis/redis-backends.ts';
import type { Graph } from '../../../src/core/graph.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { isolateOutputs, promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { unknownBackend } from '../../support/backends.ts';
import { tempFolder } from '../../support/process.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { nameAtComfyui } from '../../support/result-name.ts';
import { type Harness, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

const graph: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: 2, color: 255 } },
  '9': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
};

const moments = [
  'before its POST',
  'while it runs',
  'after it has ended',
  'in the middle of its uploads',
  'before the commit',
];

/** A job as a worker that was killed at this moment leaves it at the server `comfy2`. */
async function leave({ stores, submit, artifacts }: Harness, simulator: Simulator, moment: string): Promise<string> {
  const id = await submit(graph);
  await stores.worker.pick(id);
  const claim = await stores.worker.claim(id, { number: 1, backend: 'comfy2', client: 'dead' });
  if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
  const { lease } = claim.job;
  const promptId = promptIdOf(id, 1);
  if (moment === 'before its POST') return id;

  simulator.faults.set({ hold: moment === 'while it runs' });
  const prompt = isolateOutputs(graph, promptId, null);
  const body = JSON.stringify({ prompt, client_id: 'dead', prompt_id: promptId });
  expect((await fetch(`${simulator.url}/prompt`, { method: 'POST', body })).status).toBe(200);
  if (moment === 'while it runs') return id;

  const history = async () => await (await fetch(`${simulator.url}/history/${promptId}`)).json();
  await vi.waitFor(async () => expect(await history()).toHaveProperty(promptId));
  const uploads = moment === 'before the commit' ? 2 : moment === 'in the middle of its uploads' ? 1 : 0;
  for (let i = 0; i < uploads; i++) {
    const bytes = await fileOf(simulator, promptId, i);
    const folder = await tempFolder();
    const path = join(folder.path, 'file');
    await writeFile(path, bytes);
    const file = { path, sizeBytes: bytes.length, sha256: sha256(bytes), contentType: 'image/png', filename: 'x.png' };
    await artifacts.put(artifactKey(id, lease, i, 'png'), file, { signal: AbortSignal.timeout(5_000) });
    await folder.remove();
  }
  return id;
}

async function fileOf(simulator: Simulator, promptId: string, index: number): Promise<Buffer> {
  const query = new URLSearchParams({ filename: `comfygate-${promptId}-9_0000${index + 1}_.png` });
  return Buffer.from(await (await fetch(`${simulator.url}/view?${query}`)).arrayBuffer());
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('C01 with two workers and three servers, a worker killed', () => {
  test.each(moments)('%s: ComfyUI saw one prompt, and its result is what is delivered', async (moment) => {
    await using harness = await startHarness(redis.url);
    const simulators = await Promise.all([1, 2, 3].map(() => harness.simulate()));
    const [one, two, three] = simulators;
    if (!one || !two || !three) throw new Error('there are not three');
    const id = await leave(harness, two, moment);
    // The first worker that gets the job does not reach its server, and leaves it to the one that does.
    const reporter = createRedisBackendReporter(harness.stores.durable, harness.stores.keys);
    await reporter.report('the second worker', [{ ...unknownBackend, name: 'comfy2', status: 'UP' }]);
    harness.work({ comfy1: one.url, comfy3: three.url });
    await harness.until(id, ({ attempts }) => attempts >= 2);
    harness.work({ comfy2: two.url, comfy1: one.url });
    await harness.until(id, ({ attempts, status }) => attempts >= 3 && status !== 'QUEUED');
    two.faults.set({ hold: false });
    const job = await harness.ended(id);
    const number = moment === 'before its POST' ? 2 : 1;
    expect(job).toMatchObject({ status: 'SUCCEEDED', takeovers: 1, failures: 0, submission: { number } });
    expect(simulators.flatMap(({ promptIds }) => promptIds)).toEqual([promptIdOf(id, number)]);
    expect(job.artifacts.map(({ filename }) => nameAtComfyui(filename))).toEqual(['9_00001_.png', '9_00002_.png']);
    for (const artifact of job.artifacts) {
      expect(artifact.key.startsWith(`jobs/${id}/${job.lease}/`)).toBe(true);
      expect(sha256(await harness.bytes(artifact))).toBe(artifact.sha256);
    }
  });
});
