import { describe, expect, test } from 'vitest';
import { createDeferredJobs } from '../../../worker/delivery/deferred-jobs.ts';

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
    for (const id of ids) deferredJobs.defer({ id, order, ticket: `t${id}` }, ['b']);
    const again = ids.map((id) => deferredJobs.defer({ id, order, ticket: `t${id}` }, ['b']));
    expect([again[0], again[10], again[999]]).toEqual([500, 3_000, 100_000]);
    expect(again.reduce((deliveries, ms) => deliveries + 1_000 / ms, 0)).toBeLessThan(35);
    expect(deferredJobs.defer({ id: '9998', order, ticket: 't9998' }, ['a', 'b'])).toBe(500);
    clock.ms = 200_000;
    expect(deferredJobs.defer({ id: '2000', order, ticket: 't2000' }, ['b'])).toBe(500);
  });

  test('are promoted in their order when a server that they wait for has a free slot, each once', () => {
    const { deferredJobs } = start();
    deferredJobs.defer({ id: '2', order, ticket: 't2' }, ['b']);
    deferredJobs.defer({ id: '1', order, ticket: 't1' }, ['a', 'b']);
    deferredJobs.defer({ id: '3', order: 500_000, ticket: 't3' }, ['b']);
    expect([
      deferredJobs.next('c'),
      deferredJobs.next('a'),
      deferredJobs.next('b'),
      deferredJobs.next('b'),
      deferredJobs.next('b'),
    ]).toEqual([null, 't1', 't3', 't2', null]);
  });

  test('do not come back in step', () => {
    const at = (random: number) => createDeferredJobs(() => random).defer({ id: 'a', order, ticket: 'ta' }, []);
    expect([at(0), at(1)]).toEqual([375, 625]);
  });
});
