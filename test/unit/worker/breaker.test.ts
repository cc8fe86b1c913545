import { describe, expect, test } from 'vitest';
import { createBreaker } from '../../../worker/pool/breaker.ts';

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

  test('each of its changes is reported once', () => {
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
