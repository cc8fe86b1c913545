import { describe, expect, test } from 'vitest';
import { statusSince } from '../../../src/backends/backends.ts';
import { comfyuiSince } from '../../../src/health/comfyui.ts';

describe('since when ComfyUI is as it is', () => {
  const at = (status: 'UP' | 'DOWN' | 'DRAINING', since: number) => ({ status, since });
  test.each([
    ['nobody is known', [], null],
    ['all are up: since the last came', [at('UP', 3), at('UP', 9)], 9],
    ['all are down: since the last went', [at('DOWN', 3), at('DOWN', 9)], 9],
    ['one of them went: since then', [at('UP', 3), at('DOWN', 5)], 5],
    ['one of two that were down came back: since then', [at('DOWN', 1), at('UP', 3)], 3],
    ['one is down all the while that others come and go', [at('DOWN', 2), at('UP', 0), at('UP', 8)], 2],
    ['all drain: since the last does', [at('DRAINING', 4), at('DRAINING', 6)], 6],
  ])('%s', (_name, seen, since) => {
    expect(comfyuiSince(seen)).toBe(since);
  });
});

describe('since when a server is as it is reported', () => {
  test.each([
    ['nothing is known of it', null, 'UP', 1_000_000],
    ['it is as it was', { status: 'UP', since: 5, reportedAt: 999_000 }, 'UP', 5],
    ['it has changed', { status: 'UP', since: 5, reportedAt: 999_000 }, 'DOWN', 1_000_000],
    ['nobody had told of it and it is up', { status: 'UP', since: 5, reportedAt: 9_000 }, 'UP', 1_000_000],
    ['nobody had told of it and it is down', { status: 'UP', since: 5, reportedAt: 9_000 }, 'DOWN', 9_000],
    ['it was down before nobody told of it', { status: 'DOWN', since: 5, reportedAt: 9_000 }, 'DOWN', 5],
  ] as const)('%s', (_name, last, status, since) => {
    expect(statusSince(last, status, 1_000_000)).toBe(since);
  });
});
