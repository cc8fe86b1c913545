import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { StorageError } from '../../../src/artifacts/artifact-store.ts';
import { jobPrefix, uploadKey } from '../../../src/artifacts/keys.ts';
import type { FileKind, FileSource } from '../../../src/core/file-source.ts';
import type { Graph } from '../../../src/core/graph.ts';
import type { Job } from '../../../src/core/job.ts';
import { encodePng } from '../../../src/simulator/media/png.ts';
import { solidFrame } from '../../../src/simulator/pictures/frame.ts';
import { startComfyuiProxy } from '../../support/comfyui-proxy.ts';
import { listen } from '../../support/listen.ts';
import { pixelsOf } from '../../support/png.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { type Harness, startHarness } from './harness.ts';

let redis: TestRedis;
let dir: string;
beforeAll(async () => {
  redis = await startTestRedis();
  dir = await mkdtemp(join(tmpdir(), 'comfygate-inputs-'));
});
afterAll(async () => {
  await redis.close();
  await rm(dir, { recursive: true });
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A picture of one colour, which differs from all others. */
let shade = 0;
const picture = (width = 48, height = 32) => encodePng(solidFrame(width, height, [++shade % 250, 90, 30]));

const graph: Graph = {
  load: { class_type: 'LoadImage', inputs: { image: 'none.png' } },
  save: { class_type: 'SaveImage', inputs: { images: ['load', 0], filename_prefix: 'x' } },
};

function place(file: FileSource, kind?: FileKind) {
  return { node: 'load', input: 'image', file, ...(kind && { kind }) };
}

/** As a caller would have PUT it. */
async function uploaded(harness: Harness, bytes: Uint8Array): Promise<FileSource> {
  const id = randomUUID();
  const path = join(dir, id);
  await writeFile(path, bytes);
  const file = { path, sizeBytes: bytes.length, sha256: sha256(bytes), contentType: 'image/png', filename: 'a' };
  await harness.artifacts.put(uploadKey(id), file, { signal: AbortSignal.timeout(5_000) });
  return { upload: id };
}

async function run(harness: Harness, files: ReturnType<typeof place>[], own = graph): Promise<Job> {
  return harness.ended(await harness.submit(own, { parameters: { graph: own, files } }));
}

/** What a job delivered is the picture that it was given. */
async function expectSame(harness: Harness, job: Job, original: Buffer) {
  expect(job).toMatchObject({ status: 'SUCCEEDED', error: null });
  const [artifact] = job.artifacts;
  if (!artifact) throw new Error('no artifact');
  expect(await pixelsOf(await harness.bytes(artifact))).toEqual(await pixelsOf(original));
}

describe('input files', () => {
  test('an uploaded picture reaches ComfyUI under the hash of its content, once per server', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    await using proxy = await startComfyuiProxy(simulator.port);
    harness.work({ main: proxy.url });
    const original = await picture();
    const file = await uploaded(harness, original);
    await expectSame(harness, await run(harness, [place(file, 'image')]), original);
    const name = `${sha256(original)}.png`;
    const view = await fetch(`${simulator.url}/view?filename=${name}&type=input&subfolder=comfygate`);
    expect(Buffer.from(await view.arrayBuffer()).equals(original)).toBe(true);
    expect(proxy.uploads).toHaveLength(1);
    expect(proxy.uploads[0]).toBeGreaterThan(original.length);

    // The same, and the same content under another name; several jobs at once.
    const again = await uploaded(harness, original);
    const jobs = await Promise.all([file, again, file, again].map((each) => run(harness, [place(each)])));
    expect(jobs.map(({ status }) => status)).toEqual(Array(4).fill('SUCCEEDED'));
    expect(proxy.uploads).toHaveLength(1);

    const fresh = await uploaded(harness, await picture());
    await Promise.all([run(harness, [place(fresh)]), run(harness, [place(fresh)])]);
    expect(proxy.uploads).toHaveLength(2);
    await expect.poll(() => harness.leftovers()).toEqual([]);
  });

  test('each server gets its own copy', async () => {
    await using harness = await startHarness(redis.url);
    const simulators = [await harness.simulate(), await harness.simulate()];
    const proxies = await Promise.all(simulators.map(({ port }) => startComfyuiProxy(port)));
    onTestFinished(async () => {
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    });
    harness.work(Object.fromEntries(proxies.map(({ url }, i) => [`server${i}`, url])));
    const original = await picture();
    const file = await uploaded(harness, original);
    // Until each has got its part.
    for (const { faults } of simulators) faults.set({ hold: true });
    const running = Promise.all(Array.from({ length: 8 }, () => run(harness, [place(file)])));
    await vi.waitFor(() => expect(simulators.map(({ posts }) => posts)).toEqual([2, 2]));
    for (const { faults } of simulators) faults.set({ hold: false });
    const jobs = await running;
    for (const job of jobs) await expectSame(harness, job, original);
    expect(new Set(jobs.map(({ submission }) => submission?.backend)).size).toBe(2);
    expect(proxies.map(({ uploads }) => uploads.length)).toEqual([1, 1]);
  });

  test('a file that the server should have and has not is sent again, once', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    await using proxy = await startComfyuiProxy(simulator.port);
    const original = await picture();
    let name = `${sha256(original)}.png`;
    let swallow = 1;
    proxy.onUpload = (req, res) => {
      if (swallow-- <= 0) return false;
      req.resume().once('end', () => res.end(JSON.stringify({ name, subfolder: 'comfygate' })));
      return true;
    };
    harness.work({ main: proxy.url });
    const file = await uploaded(harness, original);
    await expectSame(harness, await run(harness, [place(file)]), original);
    expect(proxy.uploads).toHaveLength(2);

    swallow = 100;
    name = 'never.png';
    const lost = await run(harness, [place(await uploaded(harness, await picture()))]);
    expect(lost).toMatchObject({ status: 'FAILED', error: { code: 'WORKFLOW_REJECTED' } });
    expect(proxy.uploads).toHaveLength(4);
  });

  test('a server that was started anew gets its files again', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    await using proxy = await startComfyuiProxy(simulator.port);
    harness.work({ main: proxy.url });
    const original = await picture();
    const file = await uploaded(harness, original);
    await expectSame(harness, await run(harness, [place(file)]), original);
    await simulator.close();
    await using next = await harness.simulate({ port: simulator.port });
    await expectSame(harness, await run(harness, [place(file)]), original);
    expect(next.posts).toBe(1);
  });

  test('an address is fetched, through redirects, without cookies or credentials', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    const original = await picture();
    const asked: [string | undefined, string[]][] = [];
    const origin = await listen((req, res) => {
      asked.push([req.url, Object.keys(req.headers).sort()]);
      const hop = Number(/^\/(\d)/.exec(req.url ?? '')?.[1] ?? 0);
      if (hop > 0) res.writeHead(302, { location: `/${hop - 1}?a=1`, 'set-cookie': 'a=b' }).end('elsewhere');
      else res.end(original);
    });
    harness.work({ main: simulator.url }, { inputs: { maxBytes: 100_000, origins: [origin] } });
    await expectSame(harness, await run(harness, [place({ url: `${origin}/3?x` }, 'image')]), original);
    expect(asked.map(([url]) => url)).toEqual(['/3?x', '/2?a=1', '/1?a=1', '/0?a=1']);
    for (const [, names] of asked) {
      expect(names).toEqual(['accept', 'accept-encoding', 'connection', 'host', 'user-agent']);
    }
    const endless = await run(harness, [place({ url: `${origin}/4` })]);
    expect(endless.error).toMatchObject({
      code: 'INPUT_INVALID',
      retryable: false,
      nodeId: 'load',
      classType: 'LoadImage',
    });
    await expect.poll(() => harness.leftovers()).toEqual([]);
  });

  test('several files of a job, and several places of one file, are each fetched once', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    await using proxy = await startComfyuiProxy(simulator.port);
    const original = await picture();
    let asked = 0;
    const origin = await listen((_req, res) => {
      asked++;
      res.end(original);
    });
    harness.work({ main: proxy.url }, { inputs: { maxBytes: 100_000, origins: [origin] } });
    const own: Graph = {
      load: { class_type: 'LoadImage', inputs: { image: '' } },
      mask: { class_type: 'LoadImageMask', inputs: { image: '', channel: 'red' } },
      toImage: { class_type: 'MaskToImage', inputs: { mask: ['mask', 0] } },
      save: { class_type: 'SaveImage', inputs: { images: ['load', 0], filename_prefix: 'x' } },
      save2: { class_type: 'SaveImage', inputs: { images: ['toImage', 0], filename_prefix: 'x' } },
    };
    const url = `${origin}/a`;
    const job = await run(harness, [place({ url }, 'image'), { ...place({ url }, 'mask'), node: 'mask' }], own);
    expect([job.status, job.artifacts.length, asked, proxy.uploads.length]).toEqual(['SUCCEEDED', 2, 1, 1]);
  });

  test('A31 an address that is not public is not asked, nor one that a redirect leads to', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    let asked = 0;
    const inner = await listen((_req, res) => {
      asked++;
      res.end('reached');
    });
    const port = new URL(inner).port;
    const origin = await listen((req, res) => {
      res.writeHead(307, { location: decodeURIComponent((req.url ?? '').slice(1)) }).end();
    });
    harness.work({ main: simulator.url }, { inputs: { maxBytes: 100_000, origins: [origin] } });
    const targets = [
      inner,
      `https://127.0.0.1:${port}/`,
      `https://2130706433:${port}/`,
      `https://[::ffff:127.0.0.1]:${port}/`,
      `https://localhost:${port}/`,
      'http://169.254.169.254/latest/meta-data/',
      'file:///etc/passwd',
    ];
    const urls = [...targets, ...targets.map((target) => `${origin}/${encodeURIComponent(target)}`)];
    const jobs = await Promise.all(urls.map((url) => run(harness, [place({ url })])));
    for (const [i, { error }] of jobs.entries()) {
      expect([urls[i], error?.code, error?.retryable]).toEqual([urls[i], 'INPUT_INVALID', false]);
      // Nothing that the caller has not said.
      if (i >= targets.length) expect(error?.message).toMatch(/^[\w.]+: An input file is not where it may be$/);
    }
    expect(asked).toBe(0);
  });

  test('slow, lying, broken and oversize servers end the job as INPUT_INVALID', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    const original = await picture();
    let flaky = 2;
    const origin = await listen((req, res) => {
      switch (req.url) {
        case '/slow':
          res.writeHead(200, { 'content-length': 1000 }).write('x');
          return;
        case '/silent':
          return;
        case '/long':
          res.writeHead(200, { 'content-length': 100_001 }).end();
          return;
        case '/endless':
          res.on('error', () => undefined);
          res.write(Buffer.alloc(90_000));
          setTimeout(() => res.write(Buffer.alloc(90_000)), 20);
          return;
        case '/short':
          res.writeHead(200, { 'content-length': original.length + 10 }).write(original, () => res.destroy());
          return;
        case '/zipped':
          res.writeHead(200, { 'content-encoding': 'gzip' }).end(original);
          return;
        case '/500':
        case '/404':
          res.writeHead(Number(req.url.slice(1))).end();
          return;
        case '/flaky':
          if (flaky-- > 0) res.writeHead(503).end();
          else res.end(original);
          return;
        default:
          req.socket.destroy();
      }
    });
    const timings = { fetch: 5_000 };
    harness.work({ main: simulator.url }, { inputs: { maxBytes: 100_000, origins: [origin] }, timings, depth: 16 });
    const outcomes = await Promise.all(
      ['slow', 'silent', 'long', 'endless', 'short', 'zipped', '500', '404', 'reset', 'flaky'].map(async (name) => {
        const { status, error, failures } = await run(harness, [place({ url: `${origin}/${name}` })]);
        return [name, status, error?.code, error?.retryable, failures];
      }),
    );
    const invalid = (name: string, retryable: boolean) => [name, 'FAILED', 'INPUT_INVALID', retryable, 0];
    expect(outcomes).toEqual([
      invalid('slow', true),
      invalid('silent', true),
      invalid('long', false),
      invalid('endless', false),
      invalid('short', true),
      invalid('zipped', false),
      invalid('500', true),
      invalid('404', false),
      invalid('reset', true),
      ['flaky', 'SUCCEEDED', undefined, undefined, 0],
    ]);
    await expect.poll(() => harness.leftovers()).toEqual([]);
  });

  test('a file that is not there, too large for the server, or refused by it is INPUT_INVALID', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    await using proxy = await startComfyuiProxy(simulator.port);
    harness.work({ main: proxy.url }, { inputs: { maxBytes: 5_000, origins: [] } });
    const gone = await run(harness, [place({ upload: randomUUID() })]);
    expect(gone.error).toMatchObject({
      code: 'INPUT_INVALID',
      message: 'files.0.file: An uploaded file is no longer there',
      retryable: false,
    });
    const large = await run(harness, [place(await uploaded(harness, Buffer.alloc(5_001)))]);
    expect(large.error).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringMatching(/larger/) });

    for (const [status, message] of [
      [413, /larger than the ComfyUI server accepts/],
      [400, /refused/],
    ] as const) {
      proxy.onUpload = (_req, res) => res.writeHead(status).end() !== undefined;
      const { error } = await run(harness, [place(await uploaded(harness, await picture()))]);
      expect(error).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringMatching(message) });
    }
    proxy.onUpload = (_req, res) => res.writeHead(500).end() !== undefined;
    const broken = await run(harness, [place(await uploaded(harness, await picture()))]);
    expect(broken).toMatchObject({ status: 'FAILED', failures: 1, error: { code: 'COMFYUI_UNAVAILABLE' } });
    await expect.poll(() => harness.leftovers()).toEqual([]);
  });

  test('a result of a job is the input of the next, straight from storage', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const original = await picture();
    const first = await run(harness, [place(await uploaded(harness, original))]);
    const [made] = first.artifacts;
    if (!made) throw new Error('no artifact');
    const second = await run(harness, [place({ artifact: made.id }, 'image')]);
    await expectSame(harness, second, original);
    // And so on: what is kept of a job names the result, not its bytes.
    const third = await run(harness, [place({ artifact: second.artifacts[0]?.id ?? '' })]);
    await expectSame(harness, third, original);
    expect(third.parameters.files).toEqual([place({ artifact: second.artifacts[0]?.id ?? '' })]);
    await expect.poll(() => harness.leftovers()).toEqual([]);
  });

  test.each<[how: string, remove: (harness: Harness, job: Job) => Promise<unknown>]>([
    ['job was deleted', (harness, { id }) => harness.stores.gateway.remove(id)],
    [
      'job has expired',
      ({ stores }, { id }) => stores.redis.hset(stores.keys.job(id), 'expiresAt', Date.now() - 1_000),
    ],
    ['bytes were removed', (harness, { id }) => harness.artifacts.removePrefix(jobPrefix(id))],
  ])('a result whose %s while the next job waited is INPUT_INVALID', async (_how, remove) => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    const worker = harness.work({ main: simulator.url });
    const first = await run(harness, [place(await uploaded(harness, await picture()))]);
    await worker.close();
    const files = [place({ artifact: first.artifacts[0]?.id ?? '' }, 'image')];
    const waiting = await harness.submit(graph, { parameters: { graph, files } });
    await remove(harness, first);
    harness.work({ main: simulator.url });
    expect(await harness.ended(waiting)).toMatchObject({
      status: 'FAILED',
      failures: 0,
      error: {
        code: 'INPUT_INVALID',
        message: expect.stringMatching(/^[\w.]+: An artifact that is an input file is no longer there$/),
        nodeId: 'load',
        retryable: false,
      },
    });
  });

  test('a result of another kind than its bytes are is INPUT_INVALID', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    harness.work({ main: simulator.url });
    const text: Graph = { '1': { class_type: 'PreviewAny', inputs: { source: 'words' } } };
    const first = await harness.ended(await harness.submit(text));
    const { error } = await run(harness, [place({ artifact: first.artifacts[0]?.id ?? '' })]);
    expect(error).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringMatching(/no picture, sound or film/) });
  });

  test('a job waits while storage is away, and runs when it is back', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    let away = 2;
    const read: typeof harness.artifacts.read = async (key, options) => {
      if (away-- > 0) throw new StorageError('unavailable', 'away');
      return harness.artifacts.read(key, options);
    };
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
    const artifacts = { ...harness.artifacts, read };
    harness.work({ main: simulator.url }, { artifacts, log, timings: { storageBack: 50 } });
    const original = await picture();
    const job = await run(harness, [place(await uploaded(harness, original))]);
    await expectSame(harness, job, original);
    expect(job.failures).toBe(0);
    expect(lines.filter((line) => line.includes('input files not fetched yet'))).toHaveLength(1);
  });

  test('what is cancelled while it is fetched is given up at once', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    const asked = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const origin = await listen((req, res) => {
      res.write('x', () => asked.resolve());
      req.socket.once('close', () => left.resolve());
    });
    harness.work({ main: simulator.url }, { inputs: { maxBytes: 100_000, origins: [origin] } });
    const parameters = { graph, files: [place({ url: `${origin}/a` })] };
    const id = await harness.submit(graph, { parameters });
    await asked.promise;
    await harness.stores.gateway.requestCancel(id);
    expect((await harness.ended(id)).status).toBe('CANCELED');
    await left.promise;
    expect(simulator.posts).toBe(0);
  });
});
