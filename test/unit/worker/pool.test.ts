import { describe, expect, test } from 'vitest';
import { createBreaker } from '../../../worker/backends/breaker.ts';
import { type Backend, createPool } from '../../../worker/backends/pool.ts';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { createComfyHttp } from '../../../worker/comfyui/http.ts';
import type { ComfySocket } from '../../../worker/comfyui/socket.ts';
import { createTemplateLoader } from '../../../worker/load-plan.ts';

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

  function start(names = ['a', 'b'], depth = 2) {
    const clock = { ms: 0 };
    const capacities: number[] = [];
    const backends: Backend[] = names.map((name) => ({
      name,
      client: createComfyClient(createComfyHttp('http://127.0.0.1:1')),
      socket: silent,
      socketAs: () => silent,
      outputClasses: () => null,
    }));
    const pool = createPool({
      backends,
      depth,
      onCapacity: (capacity) => capacities.push(capacity),
      breaker: { now: () => clock.ms, threshold: 1 },
    });
    const up = (name: string, queueLength = 0) => pool.see(name, { reachable: true, queueLength });
    const down = (name: string) => pool.see(name, { reachable: false, queueLength: 0 });
    const lease = () => {
      const taken = pool.lease();
      if (!taken) throw new Error('no place');
      return taken;
    };
    return { pool, capacities, up, down, lease, clock };
  }

  test('nothing is to be had before a server was seen', () => {
    const { pool } = start();
    expect(pool.lease()).toBeNull();
    expect(pool.capacity).toBe(0);
  });

  test('the least loaded server is taken, up to its depth', () => {
    const { pool, up, lease } = start();
    up('a');
    up('b');
    expect([lease(), lease(), lease(), lease()].map(({ backend }) => backend.name)).toEqual(['a', 'b', 'a', 'b']);
    expect(pool.lease()).toBeNull();
  });

  test("of two equally free ones, that with the shorter queue of others' prompts", () => {
    const { up, lease } = start();
    up('a', 5);
    up('b', 1);
    expect(lease().backend.name).toBe('b');
  });

  test('capacity is what is held and what is free; it is told when it changes', () => {
    const { pool, capacities, up, down, lease } = start();
    up('a');
    up('b');
    const held = lease();
    down('a');
    expect(pool.capacity).toBe(3);
    held[Symbol.dispose]();
    held[Symbol.dispose]();
    down('b');
    expect(capacities).toEqual([2, 4, 3, 2, 0]);
  });

  test('a named server is given whatever its load, one of other workers never', () => {
    const { pool, up } = start(['a'], 1);
    up('a');
    const places = [pool.leaseNamed('a'), pool.leaseNamed('a'), pool.leaseNamed('c')];
    expect(places.map((place) => place?.backend.name)).toEqual(['a', 'a', undefined]);
    expect(pool.capacity).toBe(2);
  });

  test('a server at which jobs fail is left alone for a while, then given one', () => {
    const { pool, up, lease, clock } = start(['a']);
    up('a');
    const failing = lease();
    failing.saw('failed');
    failing[Symbol.dispose]();
    expect(pool.lease()).toBeNull();
    clock.ms = 2_000;
    up('a');
    expect(pool.capacity).toBe(1);
    const probe = lease();
    expect(pool.lease()).toBeNull();
    probe.saw('succeeded');
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
