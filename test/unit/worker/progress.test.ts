import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { graphSchema } from '../../../src/core/graph.ts';
import { progressSchema } from '../../../src/core/job.ts';
import { type PromptMessage, parsePromptMessage } from '../../../worker/comfyui/messages.ts';
import {
  applyMessage,
  completedProgress,
  type ProgressState,
  startProgress,
} from '../../../worker/progress/track-progress.ts';

const graph = graphSchema.parse({
  load: { class_type: 'Checkpoint', inputs: {} },
  sample: { class_type: 'KSampler', inputs: { model: ['load', 0], steps: 4 }, _meta: { title: 'My sampler' } },
  save: { class_type: 'SaveImage', inputs: { images: ['sample', 0] } },
  unused: { class_type: 'Note', inputs: { text: ['load', 0] } },
});
const outputs = new Set(['SaveImage']);
const prompt_id = 'p';

/** All nodes take the same time, unless told otherwise. */
const play = (messages: PromptMessage[], state = startProgress(graph, outputs, 0, () => 1)) =>
  messages.reduce(applyMessage, state);
const executing = (node: string | null, display_node?: string): PromptMessage => ({
  type: 'executing',
  data: { prompt_id, node, display_node },
});
const step = (node: string, value: number, max: number): PromptMessage => ({
  type: 'progress',
  data: { prompt_id, node, value, max },
});
const nodes = (states: {
  [id: string]: [value: number, max: number, state: string, display?: string];
}): PromptMessage => ({
  type: 'progress_state',
  data: {
    prompt_id,
    nodes: Object.fromEntries(
      Object.entries(states).map(([id, [value, max, state, display]]) => [
        id,
        { value, max, state, display_node_id: display ?? id },
      ]),
    ),
  },
});

describe('what is counted', () => {
  test('only nodes that the outputs need', () => {
    expect(startProgress(graph, outputs).progress).toEqual({ fraction: 0, nodesDone: 0, nodesTotal: 3, node: null });
  });

  test('while it is not known which classes make results, all that nothing else needs are taken for outputs', () => {
    expect(startProgress(graph, null).progress.nodesTotal).toBe(4);
    expect(startProgress(graph, new Set(['Other'])).progress.nodesTotal).toBe(4);
  });

  test('cached nodes are done, and the fraction is of those that run', () => {
    const cached: PromptMessage = { type: 'execution_cached', data: { prompt_id, nodes: ['load', 'elsewhere'] } };
    expect(play([cached]).progress).toMatchObject({ fraction: 0, nodesDone: 1, nodesTotal: 3 });
    expect(play([cached, step('sample', 2, 4)]).progress.fraction).toBe(0.25);
  });
});

describe('weighed by what nodes take', () => {
  const weighed = (times: { [id: string]: number }) => startProgress(graph, outputs, 0, (id) => times[id] ?? null);
  const loaded = nodes({ load: [1, 1, 'finished'] });

  test('the fraction is the share of the time', () => {
    const state = weighed({ load: 30, sample: 950, save: 20 });
    expect(play([loaded], state).progress.fraction).toBe(0.03);
    expect(play([loaded, step('sample', 2, 4)], state).progress.fraction).toBe(0.505);
    expect(play([loaded, nodes({ sample: [4, 4, 'finished'] })], state).progress).toMatchObject({
      fraction: 0.98,
      nodesDone: 2,
    });
  });

  test('without the cached ones', () => {
    const cached: PromptMessage = { type: 'execution_cached', data: { prompt_id, nodes: ['load'] } };
    const state = weighed({ load: 10_000, sample: 950, save: 50 });
    expect(play([cached, step('sample', 2, 4)], state).progress.fraction).toBe(0.475);
  });

  test('a class of which nothing is known takes what its like usually take, as fast as the others are', () => {
    // Four steps and a picture to save took 950 ms: what is none of both is over at once.
    expect(play([loaded], weighed({ sample: 900, save: 50 })).progress.fraction).toBe(0.021);
    expect(play([loaded], weighed({ load: 50, sample: 900 })).progress.fraction).toBe(0.046);
    // Four steps are more than all that is known.
    expect(play([loaded], weighed({ load: 20, save: 10 })).progress.fraction).toBe(0.086);
  });

  test('times of nothing are all alike', () => {
    expect(play([loaded], weighed({ load: 0, sample: 0, save: 0 })).progress.fraction).toBe(0.333);
  });
});

describe('the first run of an installation', async () => {
  const shipped = new URL('../../../workflows/textToImage/graph.json', import.meta.url);
  const textToImage = graphSchema.parse(JSON.parse(await readFile(shipped, 'utf8')));
  const start = (expectedMs?: () => number) => startProgress(textToImage, outputs, 0, expectedMs);
  const STEPS = 20;

  /** What is shown, and the share of the run time that is over then, at the simulator's pace: only steps take time. */
  function run(initial: ProgressState) {
    const moments: { fraction: number; share: number }[] = [];
    let state = initial;
    let finished = {};
    const show = (message: PromptMessage, share: number) => {
      state = applyMessage(state, message);
      moments.push({ fraction: state.progress.fraction, share });
    };
    let share = 0;
    for (const id of ['4', '5', '6', '7', '3', '8', '9']) {
      show(nodes({ ...finished, [id]: [0, 1, 'running'] }), share);
      for (let done = 1; id === '3' && done <= STEPS; done++) {
        share = done / STEPS;
        show(nodes({ ...finished, [id]: [done, STEPS, 'running'] }), share);
      }
      finished = { ...finished, [id]: [1, 1, 'finished'] };
      show(nodes(finished), share);
    }
    return {
      moments,
      furthest: Math.max(...moments.map(({ fraction, share: over }) => Math.abs(fraction - over))),
      jump: Math.max(...moments.map(({ fraction }, i) => fraction - (moments[i - 1]?.fraction ?? 0))),
    };
  }

  test('shows what is true of it within 15 %, and never 10 % at once', () => {
    const { moments, furthest, jump } = run(start());
    expect(moments.length).toBeGreaterThan(STEPS);
    expect(furthest).toBeLessThan(0.15);
    expect(jump).toBeLessThan(0.1);
  });

  test('which it would not, if each node weighed the same', () => {
    expect(run(start(() => 1)).furthest).toBeGreaterThan(0.5);
  });
});

describe('the running node', () => {
  test('has class, title and steps', () => {
    expect(play([executing('sample'), step('sample', 1.5, 4)]).progress).toEqual({
      fraction: 0.125,
      nodesDone: 0,
      nodesTotal: 3,
      node: { id: 'sample', classType: 'KSampler', title: 'My sampler', step: 1, totalSteps: 4 },
    });
  });

  test('has no steps while it reports none', () => {
    expect(play([nodes({ load: [0, 1, 'running'] })]).progress.node).toEqual({
      id: 'load',
      classType: 'Checkpoint',
      title: null,
      step: null,
      totalSteps: null,
    });
  });

  test('one made at run time is shown as the one in the graph, and does not finish it', () => {
    const state = play([executing('sample.0.1', 'sample'), nodes({ 'sample.0.1': [1, 1, 'finished', 'sample'] })]);
    expect(state.progress).toMatchObject({ nodesDone: 0, node: { id: 'sample' } });
    expect(play([executing('sample.0.1')]).progress.node?.id).toBe('sample');
  });

  test('none is shown once it has finished', () => {
    const running = nodes({ load: [0, 1, 'running'] });
    expect(play([running, nodes({ load: [1, 1, 'finished'] })]).progress).toMatchObject({ nodesDone: 1, node: null });
  });
});

test('odd maxima and values beyond them do no harm', () => {
  for (const [value, max] of [
    [1, 0],
    [5, 4],
    [-3, 4],
    [1, -1],
  ] as const) {
    const { progress } = play([step('sample', value, max)]);
    expect(progressSchema.parse(progress).fraction).toBeLessThanOrEqual(0.34);
  }
});

test('all nodes done is 0.99; 1 is for SUCCEEDED', () => {
  const all = play([nodes({ load: [1, 1, 'finished'], sample: [4, 4, 'finished'], save: [1, 1, 'finished'] })]);
  expect(all.progress).toEqual({ fraction: 0.99, nodesDone: 3, nodesTotal: 3, node: null });
  expect(completedProgress(all)).toEqual({ fraction: 1, nodesDone: 3, nodesTotal: 3, node: null });
});

test('a second prompt of the attempt begins where the first one had come to', () => {
  const first = play([nodes({ load: [1, 1, 'finished'], sample: [4, 4, 'finished'] })]);
  const second = startProgress(graph, outputs, first.progress.fraction);
  expect(play([nodes({ load: [1, 1, 'finished'] })], second).progress.fraction).toBe(first.progress.fraction);
});

test('whatever comes, the fraction and the count of nodes never fall and what is shown is valid', () => {
  const id = fc.constantFrom('load', 'sample', 'save', 'unused', 'sample.1', 'ghost', '__proto__');
  const amount = fc.oneof(fc.integer({ min: -5, max: 30 }), fc.double({ noNaN: true, min: -1e9, max: 1e9 }));
  const message = fc.oneof(
    id.map((node) => executing(node)),
    fc.tuple(id, amount, amount).map((args) => step(...args)),
    fc.array(id).map((cached): PromptMessage => ({ type: 'execution_cached', data: { prompt_id, nodes: cached } })),
    id.map((node): PromptMessage => ({ type: 'executed', data: { prompt_id, node } })),
    fc
      .dictionary(id, fc.tuple(amount, amount, fc.constantFrom('running', 'finished', 'error')))
      .map((states) => nodes(states)),
  );
  fc.assert(
    fc.property(fc.array(message), fc.dictionary(id, fc.double({ min: 0, noNaN: true })), (messages, times) => {
      let state: ProgressState = startProgress(graph, outputs, 0, (node) => times[node] ?? null);
      for (const each of messages) {
        const before = state.progress;
        state = applyMessage(state, each);
        progressSchema.parse(state.progress);
        expect(state.progress.fraction).toBeGreaterThanOrEqual(before.fraction);
        expect(state.progress.fraction).toBeLessThan(1);
        expect(state.progress.nodesDone).toBeGreaterThanOrEqual(before.nodesDone);
        expect(state.progress.nodesDone).toBeLessThanOrEqual(state.progress.nodesTotal);
      }
    }),
  );
});

const traceSchema = z.object({
  runs: z.tuple(
    [
      z.object({
        ws_messages: z.array(z.unknown()),
        history_entry: z.object({ prompt: z.tuple([z.unknown(), z.unknown(), graphSchema], z.unknown()) }),
      }),
    ],
    z.unknown(),
  ),
});

test("a recorded text to image shows its sampler's steps and every node done", async () => {
  const text = await readFile(new URL('../../comfyui/recorded/traces/30_text_to_image.json', import.meta.url), 'utf8');
  const [run] = traceSchema.parse(JSON.parse(text)).runs;
  let state = startProgress(run.history_entry.prompt[2], outputs);
  const shown: ProgressState['progress'][] = [];
  for (const each of run.ws_messages) {
    const message = parsePromptMessage(JSON.stringify(each), () => true);
    if (!message) continue;
    state = applyMessage(state, message);
    shown.push(state.progress);
  }
  const sampling = shown.filter(({ node }) => node?.classType === 'KSampler' && node.totalSteps !== null);
  expect(sampling.length).toBeGreaterThan(2);
  expect(sampling.at(-1)?.node?.step).toBe(sampling.at(-1)?.node?.totalSteps);
  expect(state.progress).toMatchObject({ fraction: 0.99, nodesDone: 7, nodesTotal: 7, node: null });
});
