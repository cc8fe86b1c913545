import { expect } from 'vitest';
import * as z from 'zod';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import type { GenerateRequest, SeenJob, Watching } from '../../support/gateway-client.ts';
import { startLackingComfyui } from '../../support/lacking-comfyui.ts';
import type { TestMinio } from '../../support/minio.ts';
import type { ProductProcess } from '../../support/process.ts';
import { eventually, type Lifetime, openProduct } from '../../support/product.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

/** A guard alone: each time that it fails again, a server is given the next job twice as long after. */
export const TRUSTED_AGAIN_WITHIN_MS = 80_000;

export const names = ['comfy1', 'comfy2', 'comfy3'] as const;
export type Name = (typeof names)[number];

/** A job of a burst, watched from its acceptance on. */
export interface Flowing {
  id: string;
  watching: Watching;
}

export interface Ended extends SeenJob {
  /** The server that ran it last. */
  backend: string | null;
  /** Prompts that all servers together saw of it. */
  prompts: number;
}

/** A job that only `comfy3` can run, since the others lack its class. */
export const onlyThird: GenerateRequest = {
  input: {
    workflow: {
      custom: {
        graph: {
          1: { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 255 } },
          2: { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
          9: { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
        },
      },
    },
  },
};

const MOST_PROMPTS = 8;
const backendsSchema = z.object({
  backends: z.array(z.object({ name: z.string(), status: z.string() })),
  workflow: z.object({ backends: z.array(z.object({ canRun: z.boolean() })) }),
});
const ranSchema = z.object({ job: z.object({ backend: z.string().nullable() }) });
const queueSchema = z.object({ queue_running: z.array(z.unknown()), queue_pending: z.array(z.unknown()) });

/**
 * A gateway and three ComfyUIs, each behind a wire of its own that workers share, so that their server can be cut off
 * from all of them at once. The first two lack ImageInvert. Workers are started by `worker`.
 */
export async function openCluster(lifetime: Lifetime, options: { minio?: TestMinio; speed?: number } = {}) {
  const product = await openProduct(lifetime, { simulators: 3, speed: 5, ...options });
  const { simulators, admin, keys } = product;
  /** Those that were replaced too: what they saw counts. */
  const all: Simulator[] = [...simulators];
  const upstreams: number[] = [];
  for (const [i, { port }] of simulators.entries()) {
    if (i === 2) upstreams.push(port);
    else {
      const lacking = await startLackingComfyui(port, ['ImageInvert']);
      lifetime.onTestFinished(() => lacking[Symbol.asyncDispose]());
      upstreams.push(Number(new URL(lacking.url).port));
    }
  }

  /** A wire to each server. */
  async function startWires(): Promise<[TcpProxy, TcpProxy, TcpProxy]> {
    const [one = 0, two = 0, three = 0] = upstreams;
    const wires = await Promise.all([startTcpProxy(one), startTcpProxy(two), startTcpProxy(three)] as const);
    for (const wire of wires) lifetime.onTestFinished(wire.close);
    return wires;
  }
  const urlsOf = (wires: readonly TcpProxy[]) =>
    wires.map(({ port }, i) => `comfy${i + 1}=http://127.0.0.1:${port}`).join(',');

  const wires = await startWires();
  const gateway = await product.gateway();
  const processes: ProductProcess[] = [gateway.process];

  async function statusOf(name: string) {
    const seen = await gateway.ask(
      backendsSchema,
      '{ backends { name status } workflow(name: "textToImage") { backends { canRun } } }',
    );
    return {
      status: seen.backends.find((each) => each.name === name)?.status,
      known: seen.workflow.backends.length === 3,
    };
  }

  const promptsOf = (id: string) => {
    const ids = Array.from({ length: MOST_PROMPTS }, (_, i) => promptIdOf(id, i + 1));
    return all.reduce((sum, { promptIds }) => sum + promptIds.filter((each) => ids.includes(each)).length, 0);
  };

  async function idle({ url }: Simulator): Promise<boolean> {
    const { queue_running, queue_pending } = queueSchema.parse(await (await fetch(`${url}/queue`)).json());
    return queue_running.length + queue_pending.length === 0;
  }

  /**
   * Waits for the end of all of them, and holds whatever happened to what is always promised: each subscription had the
   * terminal event once and last, the job is as that event said, and results are whole.
   */
  async function ends(jobs: readonly Flowing[], timeoutMs = 60_000): Promise<Ended[]> {
    const ended: Ended[] = [];
    for (const { id, watching } of jobs) {
      const { seq, job } = await watching.end(timeoutMs);
      // Addresses are signed anew now and then.
      const artifacts = job.artifacts.map((each) => ({ ...each, url: expect.any(String) }));
      expect(await gateway.job(id)).toEqual({ ...job, seq, artifacts });
      if (job.status === 'SUCCEEDED') await gateway.expectWhole(job);
      else expect(job.artifacts).toEqual([]);
      const text = JSON.stringify(watching.events);
      for (const port of [...upstreams, ...wires.map((wire) => wire.port)]) expect(text).not.toContain(`:${port}`);
      const ran = await gateway.ask(ranSchema, 'query($id: ID!) { job(id: $id) { backend } }', { id });
      ended.push({ ...job, backend: ran.job.backend, prompts: promptsOf(id) });
    }
    return ended;
  }

  return {
    product,
    gateway,
    wires,
    startWires,
    urlsOf,
    promptsOf,
    async worker(env: Record<string, string> = {}) {
      const worker = await product.worker({ COMFYUI_URLS: urlsOf(wires), ...env });
      processes.push(worker);
      return worker;
    },
    simulator(name: Name): Simulator {
      const found = simulators[names.indexOf(name)];
      if (!found) throw new Error(`there is no ${name}`);
      return found;
    },
    /** Its process has ended: connections are refused, and it knows nothing when it is back. */
    async kill(name: Name) {
      const index = names.indexOf(name);
      await Promise.all([simulators[index]?.close(), wires[index]?.refuse()]);
    },
    async restart(name: Name) {
      const index = names.indexOf(name);
      all.push(await product.restartSimulator(index));
      await wires[index]?.accept();
    },
    seen: (name: string, status: string) =>
      eventually(async () => {
        const now = await statusOf(name);
        return now.status === status && now.known;
      }, `${name} is ${status}`),
    async burst(count: number, request: GenerateRequest = {}): Promise<Flowing[]> {
      const jobs = await Promise.all(Array.from({ length: count }, () => gateway.generate(request)));
      return jobs.map(({ id }) => ({ id, watching: gateway.watch(id, { once: true }) }));
    },
    /** Jobs that have not ended. */
    open: () => admin.zcard(keys.open),
    ends,
    /** As `ends`, and then nothing is left running anywhere, and nothing has surprised anybody. */
    async settle(jobs: readonly Flowing[], timeoutMs = 60_000): Promise<Ended[]> {
      const ended = await ends(jobs, timeoutMs);
      await eventually(async () => (await admin.zcard(keys.open)) === 0, 'no job is open');
      for (const simulator of simulators) await eventually(() => idle(simulator), 'no prompt is left');
      // What was foreseen is told as a warning.
      for (const { output } of processes) expect(output()).not.toMatch(/"level":"(?:error|fatal)"/);
      return ended;
    },
  };
}

export type Cluster = Awaited<ReturnType<typeof openCluster>>;
