import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { graphSchema } from '../../../src/core/graph.ts';
import { nodeTimingSchema } from '../../../src/core/job.ts';
import { type PromptMessage, parsePromptMessage } from '../../../worker/comfyui/messages.ts';
import { createNodeClock } from '../../../worker/progress/node-clock.ts';

const prompt_id = 'p';
const graph = graphSchema.parse({
  load: { class_type: 'Checkpoint', inputs: {} },
  sample: { class_type: 'KSampler', inputs: { model: ['load', 0] } },
  save: { class_type: 'SaveImage', inputs: { images: ['sample', 0] } },
});

const started: PromptMessage = { type: 'execution_start', data: { prompt_id } };
const cached = (...nodes: string[]): PromptMessage => ({ type: 'execution_cached', data: { prompt_id, nodes } });
const executing = (node: string | null, display_node?: string): PromptMessage => ({
  type: 'executing',
  data: { prompt_id, node, display_node },
});
const states = (nodes: { [id: string]: string }, display: { [id: string]: string } = {}): PromptMessage => ({
  type: 'progress_state',
  data: {
    prompt_id,
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, state]) => [id, { value: 0, max: 1, state, display_node_id: display[id] }]),
    ),
  },
});
const success: PromptMessage = { type: 'execution_success', data: { prompt_id } };
const reconnected: PromptMessage = { type: 'reconnected', data: { prompt_id } };

/** Each message with the time at which it comes, in milliseconds. */
function play(messages: [at: number, message: PromptMessage][]) {
  let now = 0;
  const clock = createNodeClock(graph, () => now);
  for (const [at, message] of messages) {
    now = at;
    clock.onMessage(message);
  }
  return clock.timings().map(({ nodeId, ms, cached: was }) => `${nodeId} ${was ? 'cached' : ms}`);
}

test("a node's time is from its start to its end, in tenths of a millisecond, ordered by start", () => {
  const timings = play([
    [0, started],
    [1, cached('load')],
    [10, states({ sample: 'running' })],
    [10.01, executing('sample')],
    [99.96, states({ sample: 'finished' })],
    [100, states({ sample: 'finished', save: 'running' })],
    [103, { type: 'executed', data: { prompt_id, node: 'save' } }],
    [104, states({ sample: 'finished', save: 'finished' })],
    [105, success],
  ]);
  expect(timings).toEqual(['load cached', 'sample 90', 'save 4']);
});

test('a cached node is given as cached though its output is told again, and as run when it runs after all', () => {
  const again = states({ save: 'finished' });
  expect(
    play([
      [0, started],
      [1, cached('load', 'save')],
      [5, again],
      [9, success],
    ]),
  ).toEqual(['load cached', 'save cached']);
  expect(
    play([
      [0, started],
      [1, cached('load', 'save')],
      [5, executing('load')],
      [9, success],
    ]),
  ).toEqual(['save cached', 'load 4']);
});

test('nodes that run at once each take their own time', () => {
  const timings = play([
    [0, started],
    [10, states({ load: 'running' })],
    [20, states({ load: 'running', sample: 'running' })],
    [50, states({ load: 'finished', sample: 'running' })],
    [90, states({ load: 'finished', sample: 'finished' })],
  ]);
  expect(timings).toEqual(['load 40', 'sample 70']);
});

test('nodes that were made at run time count to the one that made them, once', () => {
  const display = { 'sample.0.0.1': 'sample', 'sample.0.0.2': 'sample' };
  const timings = play([
    [0, started],
    [10, states({ sample: 'running' })],
    [20, executing('sample.0.0.1', 'sample')],
    [20, states({ sample: 'running', 'sample.0.0.1': 'running' }, display)],
    [30, states({ sample: 'running', 'sample.0.0.1': 'finished' }, display)],
    [60, states({ sample: 'finished', 'sample.0.0.1': 'finished', 'sample.0.0.2': 'running' }, display)],
    [70, states({ sample: 'finished', 'sample.0.0.1': 'finished', 'sample.0.0.2': 'finished' }, display)],
    [80, success],
  ]);
  expect(timings).toEqual(['sample 60']);
});

test('the node that failed, or was interrupted, took until then', () => {
  const begun: [number, PromptMessage][] = [
    [0, started],
    [10, executing('load')],
    [30, executing('sample')],
  ];
  const done: [number, PromptMessage] = [30, states({ load: 'finished', sample: 'running' })];
  const failed: PromptMessage = { type: 'execution_error', data: { prompt_id } };
  const blocked: PromptMessage = { type: 'execution_error', data: { prompt_id, exception_type: 'ExecutionBlocked' } };
  expect(play([...begun, done, [70, failed], [80, executing(null)]])).toEqual(['load 20', 'sample 40']);
  expect(play([...begun, done, [70, blocked]])).toEqual(['load 20']);
});

describe('what was not heard is not made up', () => {
  test('from the middle on: the node that runs then is left out, and those before it', () => {
    const timings = play([
      [0, reconnected],
      [10, states({ load: 'finished', sample: 'running' })],
      [90, states({ load: 'finished', sample: 'finished' })],
      [91, executing('save')],
      [91, states({ load: 'finished', sample: 'finished', save: 'running' })],
      [95, success],
    ]);
    expect(timings).toEqual(['save 4']);
  });

  test('over a gap: the node that ran before it, and those that ran within it', () => {
    const timings = play([
      [0, started],
      [10, states({ load: 'running' })],
      [20, states({ load: 'finished' })],
      [21, executing('sample')],
      [30, reconnected],
      [90, states({ load: 'finished', sample: 'finished', save: 'running' })],
      [95, success],
    ]);
    expect(timings).toEqual(['load 10']);
  });

  test('an end that nobody told', () => {
    expect(
      play([
        [0, started],
        [10, executing('load')],
      ]),
    ).toEqual([]);
  });
});

test('at most 200 are given', () => {
  const many = graphSchema.parse(
    Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`n${i}`, { class_type: 'Note', inputs: {} }])),
  );
  const clock = createNodeClock(many, () => 0);
  clock.onMessage(cached(...Object.keys(many)));
  expect(clock.timings()).toHaveLength(200);
});

const folder = new URL('../../comfyui/recorded/traces/', import.meta.url);
const traceSchema = z.object({
  runs: z
    .array(
      z.object({
        ws_messages: z.array(z.unknown()).nullish(),
        history_entry: z
          .object({ prompt: z.tuple([z.unknown(), z.unknown(), graphSchema], z.unknown()), outputs: z.unknown() })
          .nullish(),
      }),
    )
    .default([]),
});
const runs = readdirSync(folder)
  .toSorted()
  .flatMap((file) =>
    traceSchema
      .parse(JSON.parse(readFileSync(new URL(file, folder), 'utf8')))
      .runs.flatMap(({ ws_messages, history_entry }, i) =>
        ws_messages && history_entry ? [[`${file} run ${i + 1}`, ws_messages, history_entry.prompt[2]] as const] : [],
      ),
  );

test('there are recorded runs', () => expect(runs.length).toBeGreaterThan(25));

test.each(runs)('of %s every node that ran has its time, and every cached one is said to be', (_name, said, ran) => {
  let now = 0;
  const clock = createNodeClock(ran, () => now);
  const begun = new Set<string>();
  const kept = new Set<string>();
  for (const each of said) {
    now++;
    const message = parsePromptMessage(JSON.stringify(each), () => true);
    if (!message) continue;
    clock.onMessage(message);
    if (message.type === 'executing' && message.data.node) begun.add(message.data.node);
    if (message.type === 'execution_cached') for (const id of message.data.nodes) kept.add(id);
  }
  const timings = clock.timings().map((timing) => nodeTimingSchema.parse(timing));
  expect(timings.flatMap(({ nodeId, cached: was }) => (was ? [] : nodeId))).toEqual([...begun]);
  expect(timings.flatMap(({ nodeId, cached: was }) => (was ? nodeId : []))).toEqual([...kept]);
  for (const { nodeId, classType, ms, cached: was } of timings) {
    expect(classType).toBe(ran[nodeId]?.class_type);
    expect(was ? ms === 0 : ms > 0).toBe(true);
  }
  const spans = clock.spans();
  expect(spans.map(({ nodeId }) => nodeId)).toEqual([...begun]);
  for (const { nodeId, from, to } of spans) {
    // As long as it ran, or longer where others ran in between.
    expect(to - from).toBeGreaterThanOrEqual(timings.find((timing) => timing.nodeId === nodeId)?.ms ?? 0);
    expect(from).toBeGreaterThan(0);
    expect(to).toBeLessThanOrEqual(now);
  }
});
