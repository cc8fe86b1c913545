import { dirname } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { StorageError } from '../../../src/artifacts/artifact-store.ts';
import type { Graph } from '../../../src/core/graph.ts';
import type { Artifact } from '../../../src/core/job.ts';
import { readLog } from '../../../src/job-record/redis/read-log.ts';
import { isolateOutputs, promptIdOf, withoutOwnPrefix } from '../../../worker/comfyui/prompt.ts';
import { type ComfyuiProxy, startComfyuiProxy } from '../../support/comfyui-proxy.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { nameAtComfyui } from '../../support/result-name.ts';
import { picture } from '../../support/use-cases.ts';
import { graph, type Harness, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

/** What node 8 saves is there before node 3 begins, though node 0, which needs that one, comes first in the graph. */
const slowFirst = (pictures = 1): Graph => ({
  '0': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'x' } },
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: pictures, color: 255 } },
  '2': { class_type: 'EmptyImage', inputs: { width: 32, height: 32, batch_size: 1, color: 1 } },
  '3': { class_type: 'ImageInvert', inputs: { image: ['2', 0] } },
  '8': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
});

const shows =
  (count: number) =>
  ({ status, artifacts }: { status: string; artifacts: Artifact[] }) =>
    status === 'RUNNING' && artifacts.length === count;

const nodes = (artifacts: Artifact[]) => artifacts.map(({ node }) => node);

async function eventsOf({ stores }: Harness, id: string): Promise<string[]> {
  const reading = await readLog(stores.redis, stores.keys, id, 0);
  return reading?.events?.map(({ type }) => type) ?? [];
}

async function expectWhole(harness: Harness, artifacts: Artifact[]) {
  for (const artifact of artifacts) expect((await harness.bytes(artifact)).length).toBe(artifact.sizeBytes);
  expect(artifacts.length).toBeGreaterThan(0);
}

/** A server that stays at its slow node until it is let go, and how often each of its files was asked for. */
async function holding(harness: Harness) {
  const simulator = await harness.simulate();
  const proxy = await startComfyuiProxy(simulator.port);
  const asked: string[] = [];
  proxy.onView = (query) => {
    asked.push(query.get('filename') ?? '');
    return false;
  };
  simulator.faults.set({ holdAt: '3' });
  return { simulator, proxy, asked, release: () => simulator.faults.set({ holdAt: null }) };
}

describe('a result that is there before the job has ended', () => {
  test('is shown when it is stored, by an event, and is the same at the end, where all are in order', async () => {
    await using harness = await startHarness(redis.url);
    const { proxy, asked, release } = await holding(harness);
    await using _proxy = proxy;
    harness.work({ main: proxy.url });
    const id = await harness.submit(slowFirst());
    const { artifacts: early } = await harness.until(id, shows(1));
    expect(nodes(early)).toEqual(['8']);
    await expectWhole(harness, early);
    expect(await eventsOf(harness, id)).toContain('OUTPUT');
    release();
    const { status, artifacts } = await harness.ended(id);
    expect(status).toBe('SUCCEEDED');
    expect(nodes(artifacts)).toEqual(['0', '8']);
    expect(artifacts[1]).toEqual(early[0]);
    expect(artifacts[0]?.id).not.toBe(early[0]?.id);
    await expectWhole(harness, artifacts);
    expect(asked.map(withoutOwnPrefix).toSorted()).toEqual(['0_00001_.png', '8_00001_.png']);
    // A lifecycle event: it stays when progress goes.
    expect(await eventsOf(harness, id)).toEqual(['QUEUED', 'STARTED', 'OUTPUT', 'SUCCEEDED']);
    expect(await harness.leftovers()).toEqual([]);
  });

  test('is a text, too', async () => {
    await using harness = await startHarness(redis.url);
    const { proxy, release } = await holding(harness);
    await using _proxy = proxy;
    harness.work({ main: proxy.url });
    const said: Graph = { ...slowFirst(), '8': { class_type: 'PreviewAny', inputs: { source: 'said' } } };
    const id = await harness.submit(said);
    const { artifacts: early } = await harness.until(id, shows(1));
    expect(await harness.bytes(early[0] as Artifact)).toEqual(Buffer.from('said'));
    release();
    const { artifacts } = await harness.ended(id);
    expect(artifacts).toEqual([expect.objectContaining({ node: '0' }), early[0]]);
  });

  test('is each of a node that ran once for each element of a list', async () => {
    await using harness = await startHarness(redis.url);
    const { proxy, asked, release } = await holding(harness);
    await using _proxy = proxy;
    harness.work({ main: proxy.url });
    const id = await harness.submit({
      ...slowFirst(3),
      '0': { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: 'x' } },
      '4': { class_type: 'RebatchImages', inputs: { images: ['1', 0], batch_size: 1 } },
      '5': { class_type: 'ImageInvert', inputs: { image: ['3', 0] } },
      '8': { class_type: 'SaveImage', inputs: { images: ['4', 0], filename_prefix: 'x' } },
    });
    const { artifacts: early } = await harness.until(id, shows(3));
    expect(early.map(({ filename }) => nameAtComfyui(filename))).toEqual([
      '8_00001_.png',
      '8_00002_.png',
      '8_00003_.png',
    ]);
    release();
    expect((await harness.ended(id)).artifacts).toEqual([expect.objectContaining({ node: '0' }), ...early]);
    expect(asked).toHaveLength(4);
  });

  test('is one of many, which come in fewer events', async () => {
    await using harness = await startHarness(redis.url);
    const { proxy, asked, release } = await holding(harness);
    await using _proxy = proxy;
    harness.work({ main: proxy.url });
    const id = await harness.submit(slowFirst(24));
    const { artifacts: early } = await harness.until(id, shows(24), 60_000);
    release();
    const job = await harness.ended(id, 30_000);
    expect(job.artifacts).toEqual([expect.objectContaining({ node: '0' }), ...early]);
    expect(new Set(job.artifacts.map(({ key }) => key)).size).toBe(25);
    expect(asked).toHaveLength(25);
    const events = await eventsOf(harness, id);
    const outputs = events.filter((type) => type === 'OUTPUT').length;
    expect(outputs).toBeGreaterThan(0);
    expect(outputs).toBeLessThan(24);
  }, 100_000);
});

describe('what was shown', () => {
  test('stays when the job is canceled', async () => {
    await using harness = await startHarness(redis.url);
    const { proxy } = await holding(harness);
    await using _proxy = proxy;
    harness.work({ main: proxy.url });
    const id = await harness.submit(slowFirst());
    const { artifacts: early } = await harness.until(id, shows(1));
    await harness.stores.gateway.requestCancel(id);
    expect(await harness.ended(id)).toMatchObject({ status: 'CANCELED', artifacts: early });
    await expectWhole(harness, early);
  });

  test('stays when a later node fails', async () => {
    await using harness = await startHarness(redis.url);
    const { simulator, proxy, release } = await holding(harness);
    await using _proxy = proxy;
    harness.work({ main: proxy.url });
    const id = await harness.submit(slowFirst());
    const { artifacts: early } = await harness.until(id, shows(1));
    simulator.faults.set({ nodeError: { node: '3' } });
    release();
    expect(await harness.ended(id)).toMatchObject({
      status: 'FAILED',
      error: { code: 'EXECUTION_FAILED' },
      artifacts: early,
    });
    await expectWhole(harness, early);
  });

  test('is replaced by what another prompt of the attempt makes, whose objects are others', async () => {
    await using harness = await startHarness(redis.url);
    const { simulator, proxy, release } = await holding(harness);
    await using _proxy = proxy;
    harness.work({ main: proxy.url });
    const id = await harness.submit(slowFirst());
    const { artifacts: early } = await harness.until(id, shows(1));
    simulator.faults.set({ nodeError: { node: '3', kind: 'oom', times: 1 } });
    release();
    const job = await harness.ended(id);
    expect(job).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 2 } });
    expect(nodes(job.artifacts)).toEqual(['0', '8']);
    expect(job.artifacts.map(({ key }) => key)).not.toContain(early[0]?.key);
    await expectWhole(harness, [...job.artifacts, ...early]);
  });

  test('goes with its attempt when the worker stops, and comes again from the next one', async () => {
    await using harness = await startHarness(redis.url);
    const { simulator, proxy, release } = await holding(harness);
    await using _proxy = proxy;
    const first = harness.work({ main: proxy.url });
    const id = await harness.submit(slowFirst());
    const { artifacts: early } = await harness.until(id, shows(1));
    await first.close();
    expect(await harness.job(id)).toMatchObject({ status: 'QUEUED', artifacts: [] });
    harness.work({ main: proxy.url });
    await harness.until(id, ({ status, attempts }) => status === 'RUNNING' && attempts === 2);
    release();
    const job = await harness.ended(id);
    expect(job).toMatchObject({ status: 'SUCCEEDED', submission: { number: 1 } });
    expect(simulator.posts).toBe(1);
    expect(nodes(job.artifacts)).toEqual(['0', '8']);
    for (const { id, key } of job.artifacts) {
      expect(key).toContain(`/${job.lease}/`);
      expect(id).not.toBe(early[0]?.id);
    }
  });

  test('goes when a worker has died of it, with the next claim', async () => {
    await using harness = await startHarness(redis.url);
    const { stores } = harness;
    const id = await harness.submit(graph);
    await stores.worker.pick(id);
    const claim = await stores.worker.claim(id);
    if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
    await stores.worker.move(id, claim.job.lease, { move: 'output', artifacts: [picture] });
    expect((await harness.job(id)).artifacts).toEqual([picture]);
    expect(await stores.worker.claim(id)).toMatchObject({ outcome: 'claimed', job: { takeovers: 1, artifacts: [] } });
    expect(await stores.worker.move(id, claim.job.lease, { move: 'output', artifacts: [picture] })).toEqual({
      outcome: 'lost',
    });
    expect((await harness.job(id)).artifacts).toEqual([]);
  });
});

describe('what cannot be stored early is stored at the end', () => {
  test('where storage is away meanwhile', async () => {
    await using harness = await startHarness(redis.url);
    const { proxy, release } = await holding(harness);
    await using _proxy = proxy;
    let away = true;
    let refused = 0;
    const { artifacts: folder } = harness;
    const artifacts: typeof folder = {
      ...folder,
      async put(...args) {
        if (away) refused++;
        if (away) throw new StorageError('unavailable', 'away');
        return folder.put(...args);
      },
    };
    harness.work({ main: proxy.url }, { artifacts });
    const id = await harness.submit(slowFirst());
    await vi.waitFor(() => expect(refused).toBe(1), { timeout: 10_000 });
    expect(await harness.job(id)).toMatchObject({ status: 'RUNNING', artifacts: [] });
    away = false;
    release();
    const job = await harness.ended(id);
    expect(job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(nodes(job.artifacts)).toEqual(['0', '8']);
    await expectWhole(harness, job.artifacts);
  });

  test('where the file was not served, or not whole', async () => {
    await using harness = await startHarness(redis.url);
    const { proxy, release } = await holding(harness);
    await using _proxy = proxy;
    const refused: string[] = [];
    proxy.onView = (query, res) => {
      if (refused.length === 2) return false;
      refused.push(query.get('filename') ?? '');
      res.end(refused.length === 1 ? '<html>' : '');
      return true;
    };
    harness.work({ main: proxy.url });
    const id = await harness.submit(slowFirst(2));
    await vi.waitFor(() => expect(refused).toHaveLength(2), { timeout: 10_000 });
    release();
    const job = await harness.ended(id);
    expect(job).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(nodes(job.artifacts)).toEqual(['0', '8', '8']);
    await expectWhole(harness, job.artifacts);
  });

  test('where the messages were lost', async () => {
    await using harness = await startHarness(redis.url);
    const { simulator, proxy, asked, release } = await holding(harness);
    await using _proxy = proxy;
    simulator.faults.set({ socketDeaf: true });
    harness.work({ main: proxy.url });
    const id = await harness.submit(slowFirst());
    await vi.waitFor(() => expect(simulator.nodesRun).toBe(3), { timeout: 10_000 });
    release();
    const job = await harness.ended(id);
    expect(job).toMatchObject({ status: 'SUCCEEDED' });
    expect(nodes(job.artifacts)).toEqual(['0', '8']);
    expect(asked).toHaveLength(2);
  });
});

/** A server that only says what the test makes it say: its own messages do not come, its files are the test's. */
async function puppet(harness: Harness) {
  const simulator = await harness.simulate();
  simulator.faults.set({ socketSilent: true, holdAt: '9' });
  const proxy = await startComfyuiProxy(simulator.port);
  const asked: string[] = [];
  let picture = await plain('red');
  proxy.onView = (query, res) => {
    asked.push(query.get('filename') ?? '');
    res.end(picture);
    return true;
  };
  harness.work({ main: proxy.url });
  const id = await harness.submit(graph);
  await vi.waitFor(() => expect(simulator.started).toHaveLength(1), { timeout: 10_000 });
  const { filename, subfolder } = savedBy(id);
  return {
    id,
    proxy,
    asked,
    filename,
    async show(color: string) {
      picture = await plain(color);
    },
    executing: (node: string) => tell(proxy, id, 'executing', { node }),
    executed: (node: string, name = filename) =>
      tell(proxy, id, 'executed', { node, output: { images: [{ filename: name, subfolder, type: 'output' }] } }),
    release: () => simulator.faults.set({ holdAt: null }),
  };
}

const plain = (background: string) =>
  sharp({ create: { width: 8, height: 8, channels: 3, background } })
    .png()
    .toBuffer();

function tell(proxy: ComfyuiProxy, jobId: string, type: string, data: object) {
  proxy.tell(JSON.stringify({ type, data: { prompt_id: promptIdOf(jobId, 1), ...data } }));
}

/** As ComfyUI will name it in its history. */
function savedBy(jobId: string) {
  const prefix = String(isolateOutputs(graph, promptIdOf(jobId, 1), null)['9']?.inputs.filename_prefix);
  const folder = dirname(prefix);
  return { filename: `${prefix.split('/').at(-1)}_00001_.png`, subfolder: folder === '.' ? '' : folder };
}

describe('an answer', () => {
  test('of a node that did not run in this prompt is left to the end; what history lacks is no result', async () => {
    await using harness = await startHarness(redis.url);
    const { id, proxy, asked, filename, executing, executed, release } = await puppet(harness);
    await using _proxy = proxy;
    executed('9');
    executing('9');
    executed('9', 'another.png');
    const [other] = (await harness.until(id, shows(1))).artifacts;
    expect(asked).toEqual(['another.png']);
    release();
    const { status, artifacts } = await harness.ended(id);
    expect([status, artifacts.length]).toEqual(['SUCCEEDED', 1]);
    expect(artifacts[0]?.id).not.toBe(other?.id);
    expect(asked).toEqual(['another.png', filename]);
  });

  test('that names a file again is what counts: it may have been written over', async () => {
    await using harness = await startHarness(redis.url);
    const { id, proxy, asked, filename, show, executing, executed, release } = await puppet(harness);
    await using _proxy = proxy;
    executing('9');
    executed('9');
    const [first] = (await harness.until(id, shows(1))).artifacts;
    await show('blue');
    executed('9');
    const [second] = (await harness.until(id, ({ artifacts }) => artifacts[0]?.id !== first?.id)).artifacts;
    expect(second?.sha256).not.toBe(first?.sha256);
    // By a node that is not known to have run: it is left to the end.
    await show('lime');
    executed('1');
    release();
    const { status, artifacts } = await harness.ended(id);
    expect([status, artifacts.length]).toEqual(['SUCCEEDED', 1]);
    expect(artifacts[0]?.sha256).not.toBe(second?.sha256);
    expect(asked).toEqual([filename, filename, filename]);
  });
});
