import { describe, expect, test } from 'vitest';
import type { Graph } from '../../../src/core/graph.ts';
import { type NodeDefinitions, nodeDefinitionsSchema } from '../../../src/core/node-definitions.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { createComfyHttp } from '../../../worker/comfyui/http.ts';
import type { ComfySocket } from '../../../worker/comfyui/socket.ts';
import { createDeferredJobs } from '../../../worker/delivery/deferred-jobs.ts';
import { createTemplateLoader } from '../../../worker/delivery/load-plan.ts';
import type { Backend } from '../../../worker/pool/backend.ts';
import { createBreaker } from '../../../worker/pool/breaker.ts';
import { createPool } from '../../../worker/pool/pool.ts';
import { type Requirements, requirementsOf } from '../../../worker/pool/requirements.ts';

function planFor(graph: Graph, files: Plan['files'] = []): Plan {
  return { graph, files, outputs: null, keepMetadata: false };
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
      required: { ckpt_name: { kind: 'COMBO', options: models } },
      optional: {},
      outputs: ['MODEL'],
    },
    Save: {
      outputNode: true,
      required: { model: { kind: 'LINK', type: 'MODEL' }, sampler: { kind: 'COMBO', options: ['euler'] } },
      optional: {},
      outputs: [],
    },
  });
}

const anything: Requirements = { fits: () => true, models: new Set(), avoid: null };

describe('breaker', () => {
  function start() {
    const clock = { ms: 0 };
    const breaker = createBreaker({ threshold: 3, openMs: { first: 2_000, most: 5_000 }, now: () => clock.ms });
    const fail = (times: number) => {
      for (let i = 0; i < times; i++) breaker.failed();
    };
    return { breaker, clock, fail };
  }

  test('opens at the third failure in a row, and a success in between starts anew', () => {
    const { breaker, fail } = start();
    fail(2);
    breaker.succeeded();
    fail(2);
    expect(breaker.admit()).toBe(true);
    fail(1);
    expect(breaker.state).toBe('open');
    expect(breaker.admit()).toBe(false);
  });

  test('after its time one job is let through, whose success closes it', () => {
    const { breaker, clock, fail } = start();
    fail(3);
    clock.ms = 1_999;
    expect(breaker.allows()).toBe(false);
    clock.ms = 2_000;
    expect(breaker.admit()).toBe(true);
    expect(breaker.admit()).toBe(false);
    breaker.succeeded();
    expect(breaker.state).toBe('closed');
    expect(breaker.admit()).toBe(true);
  });

  test('when that one fails it stays shut twice as long, up to a bound', () => {
    const { breaker, clock, fail } = start();
    fail(3);
    for (const openMs of [2_000, 4_000, 5_000, 5_000]) {
      clock.ms += openMs - 1;
      expect(breaker.allows()).toBe(false);
      clock.ms += 1;
      expect(breaker.admit()).toBe(true);
      breaker.failed();
    }
  });

  test('when that one says nothing of the server, another is let through', () => {
    const { breaker, clock, fail } = start();
    fail(3);
    clock.ms = 2_000;
    breaker.admit();
    breaker.abandoned();
    expect(breaker.admit()).toBe(true);
  });

  test('each of its changes is told once', () => {
    const clock = { ms: 0 };
    const changes: string[] = [];
    const onChange = (state: string) => changes.push(state);
    const breaker = createBreaker({
      threshold: 2,
      openMs: { first: 1_000, most: 1_000 },
      now: () => clock.ms,
      onChange,
    });
    breaker.succeeded();
    for (let i = 0; i < 4; i++) breaker.failed();
    expect(changes).toEqual(['open']);
    clock.ms = 1_000;
    breaker.admit();
    breaker.failed();
    clock.ms = 2_000;
    for (let i = 0; i < 3; i++) breaker.allows();
    breaker.admit();
    breaker.succeeded();
    expect(changes).toEqual(['open', 'halfOpen', 'open', 'halfOpen', 'closed']);
  });

  test('failures of jobs that were running when it opened do not prolong it', () => {
    const { breaker, clock, fail } = start();
    fail(3);
    clock.ms = 1_000;
    fail(5);
    clock.ms = 2_000;
    expect(breaker.admit()).toBe(true);
  });
});

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
    const up = (name: string, queueLength = 0) => pool.update(name, { reachable: true, queueLength });
    const down = (name: string) => pool.update(name, { reachable: false, queueLength: 0 });
    const take = (requirements = anything) => {
      const taken = pool.takeSlot(requirements);
      if (!taken) throw new Error('no free slot');
      return taken;
    };
    return { pool, capacities, withFreeSlot, up, down, take, clock };
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

  test('a file that is yet to be brought to a server is nothing that it lacks', () => {
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

  test('where all drain, jobs are looked at one by one for prompts that an earlier worker may have left, not for ever', () => {
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

test('a template is read once, and one that is gone is asked for again', async () => {
  const read: string[] = [];
  const load = createTemplateLoader(async (hash) => {
    read.push(hash);
    return hash === 'gone' ? null : JSON.stringify({ name: hash, graph: {}, parameters: {} });
  });
  expect((await load('one'))?.name).toBe('one');
  expect((await load('one'))?.name).toBe('one');
  expect([await load('gone'), await load('gone')]).toEqual([null, null]);
  expect(read).toEqual(['one', 'gone', 'gone']);
  for (let i = 0; i < 64; i++) await load(`t${i}`);
  await load('one');
  expect(read.filter((hash) => hash === 'one')).toHaveLength(2);
});

describe('jobs that no server can take now', () => {
  const order = 1_000_000;

  function start() {
    const clock = { ms: 0 };
    const deferredJobs = createDeferredJobs(
      () => 0.5,
      () => clock.ms,
    );
    return { clock, deferredJobs };
  }

  test('come back after half a second, and the more there are the later, older ones before younger ones', () => {
    const { clock, deferredJobs } = start();
    const ids = Array.from({ length: 1_000 }, (_, i) => String(i).padStart(4, '0'));
    for (const id of ids) deferredJobs.defer({ id, order }, ['b']);
    const again = ids.map((id) => deferredJobs.defer({ id, order }, ['b']));
    expect([again[0], again[10], again[999]]).toEqual([500, 3_000, 100_000]);
    expect(again.reduce((deliveries, ms) => deliveries + 1_000 / ms, 0)).toBeLessThan(35);
    expect(deferredJobs.defer({ id: '9998', order }, ['a', 'b'])).toBe(500);
    clock.ms = 200_000;
    expect(deferredJobs.defer({ id: '2000', order }, ['b'])).toBe(500);
  });

  test('are called by their order when a server has room that they wait for, each once', () => {
    const { deferredJobs } = start();
    deferredJobs.defer({ id: '2', order }, ['b']);
    deferredJobs.defer({ id: '1', order }, ['a', 'b']);
    deferredJobs.defer({ id: '3', order: 500_000 }, ['b']);
    expect([
      deferredJobs.next('c'),
      deferredJobs.next('a'),
      deferredJobs.next('b'),
      deferredJobs.next('b'),
      deferredJobs.next('b'),
    ]).toEqual([null, '1', '3', '2', null]);
  });

  test('do not come back in step', () => {
    const at = (random: number) => createDeferredJobs(() => random).defer({ id: 'a', order }, []);
    expect([at(0), at(1)]).toEqual([375, 625]);
  });
});
