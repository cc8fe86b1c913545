import assert from 'node:assert/strict';
import { recordedGraph, slowChain } from './graphs.ts';
import type { ShownJob } from './product.ts';
import { deliversWhatComfyWrote, type Run, runJob, secondsOf } from './run.ts';
import type { Scenario, Stage } from './scenario.ts';

const STEPS = 40;

/** What jobs that succeed deliver, and what is seen of them on the way. */
export const resultScenarios: Scenario[] = [
  {
    name: '01_single_image: the picture that ComfyUI wrote',
    play: (stage) => playRecorded(stage, '01_single_image', ['3 256x192']),
  },
  {
    name: '02_image_batch: all four pictures of the batch, in order',
    play: (stage) => playRecorded(stage, '02_image_batch', Array(4).fill('2 96x64')),
  },
  {
    name: '20_slow_chain: progress node by node, and the picture that ComfyUI wrote',
    async play(stage) {
      const run = await runJob(stage.product, { custom: { graph: await slowChain() } });
      const job = await deliversWhatComfyWrote(run, stage.server);
      assert.deepEqual(job.artifacts.map(sizeOf), ['20 1024x1024']);
      const nodes = new Set(run.events.flatMap(({ job: { progress } }) => progress.node?.nodeId ?? []));
      assert(nodes.size > 1, 'more than one node was seen running');
      return `${told(run, job)}, ${nodes.size} nodes seen`;
    },
  },
  {
    name: 'x01_exec_error: a prefix that leads out of the output folder is not used',
    play: (stage) => playRecorded(stage, 'x01_exec_error', ['2 32x32', '3 32x32']),
  },
  {
    name: 'the same graph twice, all cached: files of its own for each job',
    async play(stage) {
      const graph = await recordedGraph('01_single_image');
      const first = await runJob(stage.product, { custom: { graph } });
      const one = await deliversWhatComfyWrote(first, stage.server);
      const second = await runJob(stage.product, { custom: { graph } });
      const other = await deliversWhatComfyWrote(second, stage.server);
      assert.notEqual(one.artifacts[0]?.url, other.artifacts[0]?.url);
      return told(second, other);
    },
  },
  {
    name: '30_text_to_image: one picture',
    skip: withoutRecordedModel,
    play: (stage) => playRecorded(stage, '30_text_to_image', ['9 512x512']),
  },
  {
    name: '31_text_to_image_batch: all three pictures',
    skip: withoutRecordedModel,
    play: (stage) => playRecorded(stage, '31_text_to_image_batch', Array(3).fill('9 512x512')),
  },
  {
    name: `textToImage: two pictures, ${STEPS} steps told`,
    async skip({ server }) {
      return (await server.checkpoints()).length === 0 ? 'it has no checkpoint' : null;
    },
    async play(stage) {
      const [model] = await stage.server.checkpoints();
      const input = { prompt: 'a lighthouse at dusk', steps: STEPS, width: 256, height: 192, batchSize: 2, model };
      const run = await runJob(stage.product, { textToImage: input });
      const job = await deliversWhatComfyWrote(run, stage.server);
      assert.deepEqual(job.artifacts.map(sizeOf), ['9 256x192', '9 256x192']);
      const sampled = run.events.flatMap(({ job: { progress } }) =>
        progress.node?.classType === 'KSampler' && progress.node.step !== null ? [progress.node] : [],
      );
      const steps = sampled.map(({ step }) => step ?? 0);
      assert(new Set(steps).size > 1, `more than one step was told: ${steps}`);
      assert.deepEqual(
        steps,
        steps.toSorted((a, b) => a - b),
        'steps only grow',
      );
      assert(
        sampled.every(({ totalSteps }) => totalSteps === STEPS),
        'of as many as were asked for',
      );
      return `${told(run, job)}, steps ${steps[0]} to ${steps.at(-1)}`;
    },
  },
];

const RECORDED_MODEL = 'v1-5-pruned-emaonly.safetensors';

async function withoutRecordedModel({ server }: Stage): Promise<string | null> {
  return (await server.checkpoints()).includes(RECORDED_MODEL) ? null : `it has no ${RECORDED_MODEL}`;
}

async function playRecorded({ product, server }: Stage, name: string, pictures: string[]): Promise<string> {
  const run = await runJob(product, { custom: { graph: await recordedGraph(name) } });
  const job = await deliversWhatComfyWrote(run, server);
  assert.deepEqual(job.artifacts.map(sizeOf), pictures);
  assert.equal(job.attempts, 1);
  return told(run, job);
}

function sizeOf({ node, width, height }: ShownJob['artifacts'][number]): string {
  return `${node} ${width}x${height}`;
}

function told(run: Run, job: ShownJob): string {
  return `${secondsOf(job).toFixed(2)} s, ${run.events.length} events, ${job.artifacts.length} files`;
}
