import assert from 'node:assert/strict';
import { eventually } from './eventually.ts';
import { MOST_BLURS, recordedGraph, slowChain } from './graphs.ts';
import type { ShownEvent } from './product.ts';
import { deliversWhatComfyWrote, runJob, secondsOf } from './run.ts';
import { promptsSent, type Scenario, type Stage } from './scenario.ts';

/** Past the delivery's lock (10 s) and the look for stalled ones (5 s): its successor finds it still running. */
const OUTLIVES_A_TAKEOVER_SECONDS = 25;
const LONG_ENOUGH_TO_DISTURB_SECONDS = 8;

const isUnderWay = ({ job: { status, progress } }: ShownEvent) => status === 'RUNNING' && progress.nodesDone >= 2;

/** A server may be too fast for the longest chain. */
const needs = (seconds: number) => async (stage: Stage) =>
  stage.blurSeconds * MOST_BLURS < seconds ? `it is too fast for a prompt of ${seconds} s` : null;

/** A slow job of about so many seconds, in the middle of which something happens. */
async function slowJob({ product, blurSeconds }: Stage, seconds: number) {
  return await runJob(product, { custom: { graph: await slowChain(Math.ceil(seconds / blurSeconds)) } });
}

export const disturbanceScenarios: Scenario[] = [
  {
    name: 'cancel while RUNNING: interrupts its prompt, and neither the next job nor a prompt of nobody',
    skip: needs(LONG_ENOUGH_TO_DISTURB_SECONDS),
    async play(stage) {
      const { product, server } = stage;
      let tookMs = 0;
      const sent = await promptsSent(server, async () => {
        const slow = await slowJob(stage, LONG_ENOUGH_TO_DISTURB_SECONDS);
        await slow.until(isUnderWay);
        const next = await runJob(product, { custom: { graph: await recordedGraph('01_single_image') } });
        const stranger = await server.post(await recordedGraph('02_image_batch'));
        await eventually('the next job waits at ComfyUI', 10_000, async () => {
          return (await server.status(next.promptId())) === 'pending';
        });
        const asked = performance.now();
        await product.cancel(slow.id);
        const canceled = await slow.ended();
        tookMs = performance.now() - asked;
        assert.equal(canceled.status, 'CANCELED');
        assert.equal(canceled.artifacts.length, 0);
        await deliversWhatComfyWrote(next, server);
        await eventually('the prompt of nobody is done', 30_000, async () => {
          return (await server.status(stranger)) === 'completed';
        });
        await server.forget(stranger);
        assert.equal(await server.status(slow.promptId()), 'cancelled');
      });
      assert.equal(sent, 3, 'prompts that ComfyUI was sent');
      return `CANCELED after ${Math.round(tookMs)} ms`;
    },
  },
  {
    name: 'cancel of a job that waits at ComfyUI: never runs there, and the running one is left alone',
    skip: needs(LONG_ENOUGH_TO_DISTURB_SECONDS),
    async play(stage) {
      const { product, server } = stage;
      const slow = await slowJob(stage, LONG_ENOUGH_TO_DISTURB_SECONDS);
      await slow.until(isUnderWay);
      const waiting = await runJob(product, { custom: { graph: await recordedGraph('02_image_batch') } });
      await eventually('it waits at ComfyUI', 10_000, async () => {
        return (await server.status(waiting.promptId())) === 'pending';
      });
      await product.cancel(waiting.id);
      assert.equal((await waiting.ended()).status, 'CANCELED');
      assert.equal(await server.status(waiting.promptId()), null);
      await deliversWhatComfyWrote(slow, server);
      return 'gone from its queue';
    },
  },
  {
    name: 'SIGKILL of the worker mid-prompt: its successor goes on with the prompt that still runs',
    skip: needs(OUTLIVES_A_TAKEOVER_SECONDS),
    async play(stage) {
      const { product, server } = stage;
      let seen = '';
      const sent = await promptsSent(server, async () => {
        const run = await slowJob(stage, OUTLIVES_A_TAKEOVER_SECONDS);
        await run.until(isUnderWay);
        await product.killWorker();
        assert.equal(await server.status(run.promptId()), 'in_progress', 'ComfyUI goes on by itself');
        await product.startWorker();
        await run.until(({ job }) => job.attempts === 2);
        assert.equal(await server.status(run.promptId()), 'in_progress', 'it still runs when it is taken over');
        const job = await deliversWhatComfyWrote(run, server);
        assert.equal(job.attempts, 2);
        seen = `${secondsOf(job).toFixed(0)} s from its second start`;
      });
      assert.equal(sent, 1, 'prompts that ComfyUI was sent');
      return seen;
    },
  },
  {
    name: 'SIGKILL of the worker, and the prompt ends before there is a successor: its results are not made again',
    skip: needs(LONG_ENOUGH_TO_DISTURB_SECONDS),
    async play(stage) {
      const { product, server } = stage;
      const sent = await promptsSent(server, async () => {
        const run = await slowJob(stage, LONG_ENOUGH_TO_DISTURB_SECONDS);
        await run.until(isUnderWay);
        await product.killWorker();
        await eventually('ComfyUI is done', 60_000, async () => {
          return (await server.status(run.promptId())) === 'completed';
        });
        await product.startWorker();
        assert.equal((await deliversWhatComfyWrote(run, server)).attempts, 2);
      });
      assert.equal(sent, 1, 'prompts that ComfyUI was sent');
      return 'found in its history';
    },
  },
  {
    name: 'a restart of ComfyUI mid-prompt: submitted again once',
    async skip(stage) {
      return stage.restartComfy ? await needs(LONG_ENOUGH_TO_DISTURB_SECONDS)(stage) : 'no --restart command given';
    },
    async play(stage) {
      const { server, restartComfy } = stage;
      const run = await slowJob(stage, LONG_ENOUGH_TO_DISTURB_SECONDS);
      await run.until(isUnderWay);
      const began = performance.now();
      await restartComfy?.();
      const awaySeconds = (performance.now() - began) / 1000;
      const job = await deliversWhatComfyWrote(run, server, { submission: 2 });
      // It counts from 0 since it was started, and the probe took the last number.
      assert.equal(await server.nextNumber(), 1, 'prompts that the new ComfyUI was sent');
      return `away for ${awaySeconds.toFixed(0)} s, attempt ${job.attempts}, ${secondsOf(job).toFixed(0)} s in all`;
    },
  },
];
