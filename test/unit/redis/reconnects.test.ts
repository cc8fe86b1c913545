import { describe, expect, it } from 'vitest';
import { createReconnects } from '../../../src/redis/reconnects.ts';

const error = (message: string) => new Error(message);
const OOM = error("OOM command not allowed when used memory > 'maxmemory'.");
const NOREPLICAS = error('NOREPLICAS Not enough good replicas to write.');

describe('an error of Redis', () => {
  it.each([
    "READONLY You can't write against a read only replica.",
    'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
    'MOVED 3999 127.0.0.1:6381',
    'CLUSTERDOWN The cluster is down',
  ])('has every connection look for the master each time: %s', (message) => {
    for (const pausing of [true, false]) {
      const reconnects = createReconnects(pausing);
      expect([reconnects(error(message)), reconnects(error(message))]).toEqual([true, true]);
    }
  });

  it('that refuses a write pauses a worker each time, and leaves the reads of a gateway alone', () => {
    const worker = createReconnects(true);
    expect([worker(OOM), worker(OOM), worker(NOREPLICAS), worker(NOREPLICAS)]).toEqual([true, true, true, true]);
    expect(createReconnects(false)(OOM)).toBe(false);
  });

  it('that tells of missing replicas has a gateway look for another master now and then', () => {
    let now = 0;
    const gateway = createReconnects(false, () => now);
    expect([gateway(NOREPLICAS), gateway(NOREPLICAS)]).toEqual([true, false]);
    now = 2_000;
    expect([gateway(NOREPLICAS), gateway(NOREPLICAS)]).toEqual([true, false]);
  });

  it('that is about a command changes nothing', () => {
    const wrong = error('WRONGTYPE Operation against a key holding the wrong kind of value MOVED 1');
    expect([createReconnects(true)(wrong), createReconnects(false)(wrong)]).toEqual([false, false]);
  });
});
