import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FaultPatch } from '../../../src/simulator/faults.ts';
import { disposals } from '../../support/disposals.ts';
import { eventually } from '../../support/product.ts';
import {
  type Cluster,
  type Ended,
  type Name,
  names,
  onlyThird,
  openCluster,
  TRUSTED_AGAIN_WITHIN_MS,
} from './cluster.ts';

/** Faults that strike so many times. */
const counted = [
  'dropPromptAnswer',
  'failPromptAnswer',
  'truncateView',
  'httpGarbage',
  'poisonHistory',
  'hideHistory',
  'clearHistory',
] as const;

describe('two workers and three servers, of which some fail', { timeout: 120_000 }, () => {
  const suite = disposals();
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await openCluster(suite);
    await Promise.all([cluster.worker(), cluster.worker()]);
    for (const name of names) await cluster.seen(name, 'UP');
  }, 120_000);
  // A server that was away is given less by a worker that does not yet trust it, and its fault would not strike.
  beforeEach(async () => {
    reset({});
    await eventually(
      async () => {
        const ended = await cluster.settle(await cluster.burst(6));
        return names.every((name) => ended.some(({ backend }) => backend === name));
      },
      'each of them gets work',
      TRUSTED_AGAIN_WITHIN_MS,
    );
  }, 2 * TRUSTED_AGAIN_WITHIN_MS);

  const reset = (faults: Partial<Record<Name, FaultPatch>>) => {
    for (const name of names) cluster.simulator(name).faults.set({ reset: true, ...faults[name] });
  };
  /** What came of the jobs, by the server that ran them last; each one's kinds of ends, once. */
  const endsBy = (ended: readonly Ended[]) =>
    Object.fromEntries(
      names.map((name) => [
        name,
        [
          ...new Set(ended.filter(({ backend }) => backend === name).map(({ error, status }) => error?.code ?? status)),
        ].sort(),
      ]),
    );
  /** Twelve jobs at once under these faults. */
  async function play(faults: Partial<Record<Name, FaultPatch>>) {
    const before = names.map((name) => cluster.simulator(name).posts);
    reset(Object.fromEntries(names.map((name) => [name, { ...faults[name], hold: true }])));
    const jobs = await cluster.burst(12);
    // However fast they are accepted and ended, each server has had enough for its fault to strike; one that restarts
    // has had one.
    const enough = (name: Name, i: number) =>
      cluster.simulator(name).posts - (before[i] ?? 0) >= (faults[name]?.restartWhen ? 1 : 2);
    await eventually(() => names.every(enough), 'each of them has prompts');
    for (const name of names) cluster.simulator(name).faults.set({ hold: false });
    const ended = await cluster.settle(jobs);
    // Each fault has struck.
    for (const name of names) {
      const { current } = cluster.simulator(name).faults;
      expect([
        current.restartWhen,
        ...counted.filter((each) => current[each] !== false && current[each] !== 0),
      ]).toEqual([null]);
    }
    reset({});
    return ended;
  }
  const statuses = (ended: readonly Ended[]) => [...new Set(ended.map(({ status }) => status))];
  const attemptsOf = (ended: readonly Ended[]) => [...new Set(ended.map(({ attempts }) => attempts))];
  const sum = (ended: readonly Ended[]) => ended.reduce((all, { prompts }) => all + prompts, 0);

  it.each(['accepted', 'running', 'ended'] as const)(
    'C14 one restarts when a prompt was %s: what it has forgotten is submitted again, once, and no job is lost',
    async (restartWhen) => {
      const ended = await play({ comfy1: { restartWhen } });
      expect(statuses(ended)).toEqual(['SUCCEEDED']);
      const counts = ended.map(({ prompts }) => prompts);
      expect(Math.max(...counts)).toBe(2);
      // Two workers had at most two prompts each there.
      expect(sum(ended)).toBeLessThanOrEqual(12 + 4);
      for (const name of names) await cluster.seen(name, 'UP');
    },
  );

  it('C15 two take prompts without saying so: none is sent twice', async () => {
    const ended = await play({
      comfy1: { dropPromptAnswer: 2 },
      comfy2: { failPromptAnswer: 2 },
      comfy3: { dropPromptAnswer: 1 },
    });
    expect(ended.map(({ status, prompts }) => ({ status, prompts }))).toEqual(
      ended.map(() => ({ status: 'SUCCEEDED', prompts: 1 })),
    );
    expect(attemptsOf(ended)).toEqual([1]);
  });

  it.each<[string, Partial<Record<Name, FaultPatch>>, Partial<Record<Name, string[]>>]>([
    [
      'say success and have no output, or no file',
      { comfy1: { noOutputs: true }, comfy2: { missingFiles: true } },
      { comfy1: ['NO_OUTPUT'], comfy2: ['OUTPUT_INVALID'] },
    ],
    [
      'tell of a cycle behind a success, and of a blocked input that is none',
      { comfy1: { lateCycle: true }, comfy2: { blockedInput: true } },
      { comfy1: ['EXECUTION_FAILED'], comfy2: ['SUCCEEDED'] },
    ],
    [
      'raise, and give other bytes than the file',
      { comfy1: { nodeError: { kind: 'exception' } }, comfy2: { garbageView: true } },
      { comfy1: ['EXECUTION_FAILED'], comfy2: ['OUTPUT_INVALID'] },
    ],
    [
      'write NaN, and take the names of other files',
      { comfy1: { nanInHistory: true }, comfy2: { reuseNames: true } },
      { comfy1: ['SUCCEEDED'], comfy2: ['SUCCEEDED'] },
    ],
    [
      'make nodes of their own, and tell of foreign ones',
      { comfy1: { extraNodes: 50 }, comfy2: { foreignMessages: true } },
      { comfy1: ['SUCCEEDED'], comfy2: ['SUCCEEDED'] },
    ],
    [
      'cut off a file and JSON, once or twice',
      { comfy1: { truncateView: 2 }, comfy2: { httpGarbage: 2 } },
      { comfy1: ['SUCCEEDED'], comfy2: ['SUCCEEDED'] },
    ],
    ['answer 404 for files', { comfy1: { viewStatus: 404 } }, { comfy1: ['OUTPUT_INVALID'] }],
  ])(
    'C16 two %s: their jobs end as that says, in one attempt and with one prompt, the others well',
    async (_name, faults, expected) => {
      const ended = await play(faults);
      expect(endsBy(ended)).toEqual({
        comfy1: ['SUCCEEDED'],
        comfy2: ['SUCCEEDED'],
        comfy3: ['SUCCEEDED'],
        ...expected,
      });
      expect(attemptsOf(ended)).toEqual([1]);
      expect(sum(ended)).toBe(12);
    },
  );

  it('C16 two spoil their history for a prompt: that job fails, and those beside it end well', async () => {
    const ended = await play({ comfy1: { poisonHistory: 1 }, comfy2: { poisonHistory: 1 } });
    expect(ended.filter(({ error }) => error?.code === 'EXECUTION_FAILED')).toHaveLength(2);
    expect(ended.filter(({ status }) => status === 'SUCCEEDED')).toHaveLength(10);
  });

  it('C16 two hide or refuse what has ended for a while: it is found when they tell it', async () => {
    const ended = await play({ comfy1: { hideHistory: 2 }, comfy2: { loseFinalMessages: true, hideHistory: 1 } });
    expect(statuses(ended)).toEqual(['SUCCEEDED']);
    expect(Math.max(...ended.map(({ prompts }) => prompts))).toBeLessThanOrEqual(2);
  });

  it('C16 one drops an output of a graph: that job fails, its prompt is cancelled, the others succeed', async () => {
    const graph = {
      1: { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
      2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'a' } },
      3: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'b' } },
    };
    reset(Object.fromEntries(names.map((name) => [name, { dropOutput: true }])));
    const two = await cluster.burst(2, { input: { workflow: { custom: { graph } } } });
    const [first, second, ...others] = await cluster.settle([...two, ...(await cluster.burst(6))]);
    reset({});
    for (const each of [first, second]) {
      expect(each).toMatchObject({
        status: 'FAILED',
        error: { code: 'WORKFLOW_REJECTED', retryable: false },
        prompts: 1,
      });
    }
    expect(statuses(others)).toEqual(['SUCCEEDED']);
  });

  it('C16 somebody clears the history of two: what could not be read is made again, once', async () => {
    const ended = await play({ comfy1: { clearHistory: 1 }, comfy2: { clearHistory: 1 } });
    expect(statuses(ended)).toEqual(['SUCCEEDED']);
    expect(sum(ended)).toBeLessThanOrEqual(14);
  });

  it('C16 one answers 500 for a while, and one breaks its connections: jobs wait or go elsewhere', async () => {
    reset({ comfy1: { httpStatus: 500 }, comfy2: { httpReset: true } });
    const jobs = await cluster.burst(12);
    await cluster.seen('comfy1', 'DOWN');
    await cluster.seen('comfy2', 'DOWN');
    reset({});
    const ended = await cluster.settle(jobs);
    expect(statuses(ended)).toEqual(['SUCCEEDED']);
    for (const name of names) await cluster.seen(name, 'UP');
  });

  it('C17 one socket is silent, one is deaf, one loses final messages: polling helps, one prompt each', async () => {
    const ended = await play({
      comfy1: { socketSilent: true },
      comfy2: { socketDeaf: true },
      comfy3: { loseFinalMessages: true },
    });
    expect(ended.map(({ status, prompts }) => ({ status, prompts }))).toEqual(
      ended.map(() => ({ status: 'SUCCEEDED', prompts: 1 })),
    );
    expect(attemptsOf(ended)).toEqual([1]);
  });

  it('C17 one refuses sockets, one breaks them, one tells everything three seconds late', async () => {
    reset({
      comfy1: { refuseSocket: 503, closeSockets: true },
      comfy2: { closeSockets: true },
      comfy3: { messageDelayMs: 3_000 },
    });
    const ended = await cluster.settle(await cluster.burst(12));
    reset({});
    expect(ended.map(({ status, prompts }) => ({ status, prompts }))).toEqual(
      ended.map(() => ({ status: 'SUCCEEDED', prompts: 1 })),
    );
  });

  it('a graph that takes all memory of its server fails after two prompts; jobs behind it succeed', async () => {
    reset({ comfy3: { nodeError: { kind: 'oom', node: 'ImageInvert' }, hold: true } });
    const third = cluster.simulator('comfy3');
    const started = third.started.length;
    const hungry = await cluster.burst(1, onlyThird);
    await eventually(() => third.started.length > started, 'it runs there');
    const others = await cluster.burst(12);
    third.faults.set({ hold: false });
    const [poison, ...rest] = await cluster.settle([...hungry, ...others]);
    reset({});
    expect(poison).toMatchObject({ status: 'FAILED', error: { code: 'OUT_OF_MEMORY' }, prompts: 2, attempts: 1 });
    expect(rest.map(({ status, prompts }) => ({ status, prompts }))).toEqual(
      rest.map(() => ({ status: 'SUCCEEDED', prompts: 1 })),
    );
  });
});
