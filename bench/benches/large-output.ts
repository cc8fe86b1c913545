import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import * as z from 'zod';
import { findMinio, startTestMinio } from '../../test/support/minio.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { startChild } from '../child.ts';
import { startGateway, startSimulator, startWorker } from '../product.ts';
import type { Row } from '../table.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const JOB_WITHIN_MS = 300_000;

const picture = { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 2, color: 255 } };
const graphs = {
  video: {
    '1': picture,
    '2': { class_type: 'CreateVideo', inputs: { images: ['1', 0], fps: 2 } },
    '3': { class_type: 'SaveVideo', inputs: { video: ['2', 0], filename_prefix: 'x', format: 'mp4', codec: 'h264' } },
  },
  PNG: {
    '1': { ...picture, inputs: { ...picture.inputs, batch_size: 1 } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
  },
};

const answerSchema = z.object({
  data: z.unknown(),
  errors: z.array(z.object({ message: z.string(), extensions: z.object({ code: z.string() }) })).optional(),
});

const jobSchema = z.object({
  status: z.string(),
  error: z.unknown(),
  artifacts: z.array(z.object({ size: z.number() })),
});

/** Measures by how much the worker's memory grows at most while it moves a result of 1 GB from ComfyUI to storage. */
export const benchLargeOutput: Bench = async (context) => {
  const bytes = context.quick ? 16 * MIB : GIB;
  const video = await benchStorage(context, bytes, 'video', 'folder', {});
  // A smoke run starts everything once.
  if (context.quick) return video;
  const rows = [...video, ...(await benchStorage(context, bytes, 'PNG', 'folder', {}))];
  if (findMinio() === null) {
    context.say('no MinIO on this machine: only the folder was measured');
    return rows;
  }
  const minio = await startTestMinio();
  try {
    const { endpoint, accessKey, secretKey } = minio;
    const s3 = { S3_ENDPOINT: endpoint, S3_ACCESS_KEY: accessKey, S3_SECRET_KEY: secretKey };
    return [...rows, ...(await benchStorage(context, bytes, 'video', 'S3', s3))];
  } finally {
    await minio.close();
  }
};

async function benchStorage(
  context: BenchContext,
  bytes: number,
  kind: keyof typeof graphs,
  storage: string,
  env: Record<string, string>,
): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const started = async (child: ReturnType<typeof startChild>) => stack.adopt(await child, (each) => each.stop());
  const admin = stack.adopt(new Redis(context.redis.url), (client) => client.disconnect());
  await admin.flushall();
  const dir = join(context.dir, `${kind}-${storage}`);
  stack.defer(() => rm(dir, { recursive: true, force: true }));

  const simulator = await started(startSimulator(1_000_000));
  const args = ['bench/load/large-view.ts', simulator.url, String(bytes)];
  const large = await started(startChild({ args, ready: /ready (http:\S+)/, probe: false }));
  const gateway = await started(startGateway({ ...context, dir }, { env }));
  const worker = await started(startWorker({ ...context, dir }, [large.url], env));

  const before = await worker.call('rssWithoutGarbage', null, z.number());
  const began = performance.now();
  const size = await run(gateway.url, graphs[kind]);
  const seconds = (performance.now() - began) / 1000;
  const grown = (await worker.call('peakRss', null, z.number())) - before;
  if (size < bytes) throw new Error(`only ${size} bytes were delivered`);
  context.say(`${kind} of ${(size / MIB).toFixed(0)} MiB to ${storage} in ${seconds.toFixed(1)} s`);
  return [
    {
      bench: 'large-output',
      figure: `worker grows by, MiB: ${kind} of 1 GiB to ${storage}`,
      ours: [grown / MIB],
      peer: null,
      target: { of: 'figure', is: 'at most', value: 64 },
    },
    { bench: 'large-output', figure: `MiB/s: ${kind} to ${storage}`, ours: [size / MIB / seconds], peer: null },
  ];
}

/** Runs the graph and returns the size of its only result in bytes. */
async function run(url: string, graph: object): Promise<number> {
  const until = performance.now() + JOB_WITHIN_MS;
  async function call<T>(query: string, variables: object, schema: z.ZodType<T>): Promise<T> {
    const body = JSON.stringify({ query, variables });
    for (;;) {
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      const { errors, data } = answerSchema.parse(await answer.json());
      if (!errors) return schema.parse(data);
      // A disk that takes gigabytes holds up Redis's log as well. The same call may be made again.
      const mayRetry = errors.every(({ extensions: { code } }) => code === 'UNAVAILABLE');
      if (!mayRetry || performance.now() > until) throw new Error(JSON.stringify(errors));
      await delay(500);
    }
  }
  const input = { idempotencyKey: randomUUID(), workflow: { custom: { graph } } };
  const generated = z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) });
  const generate = 'mutation ($input: GenerateInput!) { generate(input: $input) { job { id } } }';
  const { id } = (await call(generate, { input }, generated)).generate.job;
  while (performance.now() < until) {
    const query = 'query ($id: ID!) { job(id: $id) { status error { message } artifacts { size } } }';
    const { job } = await call(query, { id }, z.object({ job: jobSchema }));
    if (job.status === 'SUCCEEDED') return job.artifacts[0]?.size ?? 0;
    if (job.status === 'FAILED') throw new Error(`it failed: ${JSON.stringify(job.error)}`);
    await delay(50);
  }
  throw new Error(`not within ${JOB_WITHIN_MS / 1000} s`);
}
