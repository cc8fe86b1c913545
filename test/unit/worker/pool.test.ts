import { describe, expect, test } from 'vitest';
import type { Graph } from '../../../src/core/graph.ts';
import { type NodeDefinitions, nodeDefinitionsSchema } from '../../../src/core/node-definitions.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { createComfyHttp } from '../../../worker/comfyui/http.ts';
import type { ComfySocket } from '../../../worker/comfyui/socket.ts';
import type { Backend } from '../../../worker/pool/backend.ts';
import { createPool } from '../../../worker/pool/pool.ts';
import { type Requirements, requirementsOf } from '../../../worker/pool/requirements.ts';

function planFor(graph: Graph, files: Plan['files'] = []): Plan {
  return { graph, files, outputs: null, keepMetadata: false, editorWorkflow: null };
}

/** A graph of one loader and one output. */
const loads = (model: string, sampler = 'euler'): Graph => ({
  '1': { class_type: 'Loader', inputs: { ckpt_name: model } },
  '2': { class_type: 'Save', inputs: { model: ['1', 0], sampler } },
});

function catalogueWith(models: string[]): NodeDefinitions {
  return nodeDefinitionsSchema.parse({
    Loader: {
      outputNode: false,
      stock: true,
      required: { ckpt_name: { kind: 'COMBO', options: models } },
      optional: {},
      outputs: ['MODEL'],
    },
    Save: {
      outputNode: true,
      stock: true,
      required: { model: { kind: 'LINK', type: 'MODEL' }, sampler: { kind: 'COMBO', options: ['euler'] } },
      optional: {},
      outputs: [],
    },
  });
}

const anything: Requirements = { fits: () => true, models: new Set(), avoid: null };

describe('pool', () => {
  const silent: ComfySocket = {
    open: false,
    listen: () => ({ [Symbol.dispose]() {} }),
    onOpen: () => ({ [Symbol.dispose]() {} }),
    opened: async () => undefined,
    suspect() {},
    close: async () => undefined,
  };

  function start(names = ['a', 'b'], depth = 2, nodeDefinitions: { [name: string]: NodeDefinitions } = {}) {
    const clock = { ms: 0 };
    const capacities: number[] = [];
    const withFreeSlot: string[] = [];
    const backends: Backend[] = names.map((name) => ({
      name,
      client: createComfyClient(createComfyHttp('http://127.0.0.1:1')),
      socket: silent,
      socketAs: () => silent,
      outputClasses: () => null,
      nodeDefinitions: () => nodeDefinitions[name] ?? null,
    }));
    const pool = createPool({
      backends,
      depth,
      onCapacity: (capacity) => capacities.push(capacity),
      onFreeSlot: (name) => withFreeSlot.push(name),
      breaker: { now: () => clock.ms, threshold: 1 },
      now: () => clock.ms,
    });
    const up = (name: string, queueLength = 0) => pool.update(name, { reachable: true, stalled: false, queueLength });
    const down = (name: string) => pool.update(name, { reachable: false, stalled: false, queueLength: 0 });
    const stalled = (name: string) => pool.update(name, { reachable: false, stalled: true, queueLength: 0 });
    const take = (requirements = anything) => {
      const taken = pool.takeSlot(requirements);
      if (!taken) throw new Error('no free slot');
      return taken;
    };
    return { pool, capacities, withFreeSlot, up, down, stalled, take, clock };
  }

  test('nothing is to be had before a server was seen', () => {
    const { pool } = start();
    expect(pool.takeSlot(anything)).toBeNull();
    expect(pool.capacity).toBe(0);
  });

  test('the least loaded server is taken, up to its depth', () => {
    const { pool, up, take } = start();
    up('a');
    up('b');
    expect([take(), take(), take(), take()].map(({ backend }) => backend.name)).toEqual(['a', 'b', 'a', 'b']);
    expect(pool.takeSlot(anything)).toBeNull();
  });

  test("of two equally free ones, that with the shorter queue of others' prompts", () => {
    const { up, take } = start();
    up('a', 5);
    up('b', 1);
    expect(take().backend.name).toBe('b');
  });

  test('capacity is what is held and what is free; each change of it is reported once', () => {
    const { pool, capacities, up, down, take } = start();
    up('a');
    up('b');
    const held = take();
    down('a');
    expect(pool.capacity).toBe(3);
    held[Symbol.dispose]();
    held[Symbol.dispose]();
    down('b');
    expect(capacities).toEqual([2, 4, 3, 2, 0]);
  });

  test('a server is given only jobs that it can run, and one that has not said what it can is tried', () => {
    const { pool, up } = start(['a', 'b', 'c'], 1, { a: catalogueWith(['x.ckpt']), b: catalogueWith(['y.ckpt']) });
    up('a');
    up('b');
    const requirements = requirementsOf(planFor(loads('y.ckpt')), null);
    expect(pool.takeSlot(requirements)?.backend.name).toBe('b');
    expect(pool.takeSlot(requirements)).toBeNull();
    expect(pool.fitting(requirements)).toEqual(['b', 'c']);
    up('c');
    expect(pool.takeSlot(requirements)?.backend.name).toBe('c');
  });

  test('a graph that is at fault by itself is given to any server, which says what is wrong', () => {
    const { up, take } = start(['a'], 1, { a: catalogueWith(['x.ckpt']) });
    up('a');
    expect(take(requirementsOf(planFor(loads('x.ckpt', 'teleport')), null)).backend.name).toBe('a');
  });

  test('a file that is yet to be sent to a server is not missing there', () => {
    const { pool, up } = start(['a'], 1, { a: catalogueWith(['x.ckpt']) });
    up('a');
    const place = {
      source: { upload: 'u' },
      kind: null,
      targets: [{ node: '1', input: 'ckpt_name' }],
      index: null,
      at: [],
    };
    expect(pool.takeSlot(requirementsOf(planFor(loads('z.ckpt')), null))).toBeNull();
    expect(pool.takeSlot(requirementsOf(planFor(loads('z.ckpt'), [place]), null))).not.toBeNull();
  });

  test('of two idle servers that which has the models loaded, but none that is busier', () => {
    const { up, down, take } = start();
    up('a');
    up('b');
    const [x, y] = ['x.ckpt', 'y.ckpt'].map((model) => requirementsOf(planFor(loads(model)), null));
    const run = (requirements: Requirements | undefined) => {
      const slot = take(requirements);
      slot[Symbol.dispose]();
      return slot.backend.name;
    };
    expect([run(x), run(y), run(y), run(x), run(x), run(y)]).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
    const held = [take(x), take(x), take(x)];
    expect(held.map(({ backend }) => backend.name)).toEqual(['a', 'b', 'a']);
    for (const each of held) each[Symbol.dispose]();
    down('b');
    up('b');
    // It may have been started anew, with nothing loaded.
    expect(take(x).backend.name).toBe('a');
  });

  test("our own prompts count once, though the server's queue has them too", () => {
    const { up, take } = start(['a', 'b'], 4);
    up('a');
    up('b', 1);
    take();
    take();
    up('a', 2);
    up('b', 1);
    expect(take().backend.name).toBe('b');
  });

  test('a server that a job has failed at is the last resort, one that it found gone is none', () => {
    const { pool, up } = start();
    up('a');
    const avoiding = { ...anything, avoid: 'a' };
    expect(pool.takeSlot(avoiding)?.backend.name).toBe('a');
    up('b', 5);
    expect(pool.takeSlot(avoiding)?.backend.name).toBe('b');
    expect(pool.takeSlot(anything, new Set(['a', 'b']))).toBeNull();
  });

  test('a draining server is given no new job, but those whose prompts it has; then it is given some again', () => {
    const { pool, up, capacities } = start();
    up('a');
    up('b');
    pool.drain(new Set(['a', 'x']));
    expect(pool.takeSlot(anything)?.backend.name).toBe('b');
    expect(pool.takeSlot(anything)?.backend.name).toBe('b');
    expect(pool.takeSlot(anything)).toBeNull();
    expect(pool.takeSlotAt('a')?.backend.name).toBe('a');
    expect([pool.isDraining('a'), pool.isDraining('b')]).toEqual([true, false]);
    pool.drain(new Set());
    expect(pool.takeSlot(anything)?.backend.name).toBe('a');
    expect(capacities).toEqual([2, 4, 2, 3, 4]);
  });

  test('where all drain, jobs are taken one by one while an earlier worker may have left prompts, not for ever', () => {
    const { pool, up, clock } = start(['a']);
    up('a');
    pool.drain(new Set(['a']));
    expect([pool.freeSlots, pool.capacity]).toEqual([0, 1]);
    clock.ms = 60_000;
    expect(pool.capacity).toBe(0);
    up('a', 1);
    expect(pool.capacity).toBe(1);
    pool.takeSlotAt('a');
    up('a', 1);
    expect(pool.capacity).toBe(1);
    expect(pool.takeSlot(anything)).toBeNull();
  });

  test('a server whose job another one took is left alone for a while', () => {
    const { pool, up } = start();
    up('a');
    up('b');
    pool.reportFailure('a');
    expect(pool.capacity).toBe(2);
    expect(pool.takeSlot(anything)?.backend.name).toBe('b');
  });

  test('it names each server that has a free slot again', () => {
    const { withFreeSlot, up, take } = start(['a', 'b'], 1);
    up('a');
    up('b');
    const slots = [take(), take()];
    withFreeSlot.length = 0;
    slots[1]?.[Symbol.dispose]();
    expect(withFreeSlot).toEqual(['b']);
  });

  test('a named server is given whatever its load, one of other workers never', () => {
    const { pool, up } = start(['a'], 1);
    up('a');
    const slots = [pool.takeSlotAt('a'), pool.takeSlotAt('a'), pool.takeSlotAt('c')];
    expect(slots.map((slot) => slot?.backend.name)).toEqual(['a', 'a', undefined]);
    expect(pool.capacity).toBe(2);
  });

  test('a server that has stopped working is left alone, whatever its jobs say, and then given one', () => {
    const { pool, up, stalled, take, clock } = start(['a']);
    up('a');
    const waiting = take();
    waiting.report('succeeded');
    stalled('a');
    waiting[Symbol.dispose]();
    clock.ms = 3_600_000;
    stalled('a');
    expect([pool.isStalled('a'), pool.capacity]).toEqual([true, 0]);
    up('a');
    expect([pool.isStalled('a'), pool.capacity]).toEqual([false, 1]);
    const probe = take();
    expect(pool.takeSlot(anything)).toBeNull();
    probe.report('succeeded');
    probe[Symbol.dispose]();
    expect(pool.capacity).toBe(2);
  });

  test('a server is idle once it has had nothing to do for so long, ours or of others', () => {
    const { pool, up, take, clock } = start(['a', 'b']);
    const takeIdle = (without = new Set<string>()) => pool.takeIdleSlot(anything, 1_000, without)?.backend.name ?? null;
    up('a', 1);
    up('b');
    expect(takeIdle()).toBeNull();
    clock.ms = 1_000;
    up('b');
    expect(takeIdle(new Set(['b']))).toBeNull();
    expect(takeIdle()).toBe('b');
    expect(takeIdle()).toBeNull();
    up('a');
    const held = take();
    expect(held.backend.name).toBe('a');
    clock.ms = 2_500;
    held[Symbol.dispose]();
    expect(takeIdle()).toBeNull();
    clock.ms = 3_500;
    expect(takeIdle()).toBe('a');
  });

  test('a server at which jobs fail is left alone for a while, then given one', () => {
    const { pool, up, take, clock } = start(['a']);
    up('a');
    const failing = take();
    failing.report('failed');
    failing[Symbol.dispose]();
    expect(pool.takeSlot(anything)).toBeNull();
    clock.ms = 2_000;
    up('a');
    expect(pool.capacity).toBe(1);
    const probe = take();
    expect(pool.takeSlot(anything)).toBeNull();
    probe.report('succeeded');
    probe[Symbol.dispose]();
    expect(pool.capacity).toBe(2);
  });
});
