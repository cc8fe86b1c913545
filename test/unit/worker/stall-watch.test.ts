import { describe, expect, test } from 'vitest';
import { createStallWatch } from '../../../worker/pool/stall-watch.ts';

function start() {
  const clock = { ms: 0 };
  const watch = createStallWatch({
    notTakenMs: 30,
    outlivedMs: 100,
    longestMs: 1_000,
    leftAloneMs: 300,
    now: () => clock.ms,
  });
  return {
    watch,
    at(ms: number, head: { running?: string; pending?: number } | null) {
      clock.ms = ms;
      return watch.look(head && { running: head.running ?? null, pending: head.pending ?? 0 });
    },
  };
}

const TAKES_NONE = {
  message: expect.stringMatching(/runs none of the prompts .* restart this ComfyUI/),
  promptId: null,
};
const neverEnds = (promptId: string) => ({
  message: expect.stringMatching(/does not end the prompt .* restart this ComfyUI/),
  promptId,
});

describe('B10 a server whose queue is looked at', () => {
  test('works while it runs one prompt after another, with moments between', () => {
    const { at } = start();
    for (let ms = 0; ms < 500; ms += 20) {
      const head = (ms / 20) % 2 === 0 ? { running: String(ms) } : { pending: 3 };
      expect(at(ms, head)).toBeNull();
    }
    expect(at(500, {})).toBeNull();
  });

  test('does not work when prompts wait and none runs, until one runs', () => {
    const { at } = start();
    expect(at(0, { pending: 1 })).toBeNull();
    expect(at(29, { pending: 2 })).toBeNull();
    expect(at(30, { pending: 2 })).toEqual(TAKES_NONE);
    expect(at(9_000, { pending: 1 })).toEqual(TAKES_NONE);
    expect(at(9_001, { running: 'a' })).toBeNull();
    expect(at(9_002, { pending: 1 })).toBeNull();
  });

  test('is left alone for a while when what waited was taken away, and not trusted with the next that waits', () => {
    const { at, watch } = start();
    at(0, { pending: 1 });
    expect(at(30, { pending: 1 })).toEqual(TAKES_NONE);
    expect(at(40, {})).toEqual(TAKES_NONE);
    expect(at(50, { pending: 1 })).toEqual(TAKES_NONE);
    expect(at(60, {})).toEqual(TAKES_NONE);
    expect(at(359, {})).toEqual(TAKES_NONE);
    expect(at(360, {})).toBeNull();
    at(400, { pending: 1 });
    expect(at(430, { pending: 1 })).toEqual(TAKES_NONE);
    watch.reset();
    expect(at(431, {})).toBeNull();
  });

  test('does not work when a prompt outlives its cancel, until it is gone', () => {
    const { at, watch } = start();
    at(0, { running: 'a' });
    watch.cancelled('b');
    watch.cancelled('a');
    expect(at(50, { running: 'a' })).toBeNull();
    // Repeated, as an attempt does.
    watch.cancelled('a');
    expect(at(99, { running: 'a' })).toBeNull();
    expect(at(100, { running: 'a' })).toEqual(neverEnds('a'));
    expect(at(110, { running: 'c' })).toBeNull();
    expect(at(900, { running: 'c' })).toBeNull();
  });

  test('does not work when a prompt outlives its cancel, though the connection to it was made anew meanwhile', () => {
    const { at, watch } = start();
    at(0, { running: 'a' });
    watch.cancelled('a');
    watch.reset();
    expect(at(99, { running: 'a' })).toBeNull();
    expect(at(100, { running: 'a' })).toEqual(neverEnds('a'));
    watch.reset();
    expect(at(101, { running: 'a' })).toEqual(neverEnds('a'));
    watch.reset();
    expect(at(102, {})).toBeNull();
  });

  test('works while a prompt that nobody cancelled is silent for long, but not for ever', () => {
    const { at } = start();
    expect(at(0, { running: 'a' })).toBeNull();
    expect(at(999, { running: 'a' })).toBeNull();
    expect(at(1_000, { running: 'a' })).toEqual(neverEnds('a'));
    expect(at(1_001, {})).toBeNull();
  });

  test('does not work when another worker has found a prompt that does not end, while that runs', () => {
    const { at, watch } = start();
    watch.foundStuck('a');
    expect(at(0, { running: 'b' })).toBeNull();
    watch.foundStuck('a');
    expect(at(1, { running: 'a' })).toEqual(neverEnds('a'));
    expect(at(2, {})).toBeNull();
  });

  test('is judged by nothing that a look did not show', () => {
    const { at } = start();
    at(0, { pending: 1 });
    expect(at(200, null)).toBeNull();
    expect(at(201, { pending: 1 })).toEqual(TAKES_NONE);
    expect(at(202, null)).toEqual(TAKES_NONE);
  });
});
