import { expect, onTestFinished, test, vi } from 'vitest';
import { Retry } from '../../../worker/attempt/failures.ts';
import { InputFault } from '../../../worker/inputs/input-fault.ts';
import { createInputStock } from '../../../worker/inputs/input-stock.ts';
import type { Inputs } from '../../../worker/inputs/open-inputs.ts';

const GIB = 1024 ** 3;

function stockOf(isWaiting = async (_jobId: string) => true) {
  const changes: (string | null)[] = [];
  const stock = createInputStock({
    maxBytes: 100_000_000,
    isWaiting,
    onChange: (caller) => changes.push(caller),
    onError: (cause) => expect.fail(String(cause)),
    intervalMs: 5,
  });
  onTestFinished(() => stock.close());
  return { stock, changes };
}

/** Files that only say when they are removed. */
function fakeInputs(): Inputs & { removed: boolean } {
  return {
    removed: false,
    fetch: async () => undefined,
    place: async () => ({}),
    wasMissing: () => false,
    async [Symbol.asyncDispose]() {
      this.removed = true;
    },
  };
}

test('B12 files are fetched for four jobs of a caller at a time, and for sixteen in all', () => {
  const { stock, changes } = stockOf();
  const turns = ['a', 'b', 'c', 'd'].flatMap((caller) => Array.from({ length: 4 }, () => stock.begin(caller)));
  expect(turns.filter((turn) => turn === null)).toEqual([]);
  expect([stock.begin('a'), stock.begin('e'), stock.fetching]).toEqual([null, null, 16]);
  expect(stock.use()).toEqual({ taken: 16, most: 16, refusals: 2 });
  turns[0]?.[Symbol.dispose]();
  expect(changes.at(-1)).toBe('a');
  expect([stock.begin('b'), stock.fetching]).toEqual([null, 15]);
  expect(stock.begin('e')).not.toBeNull();
});

test('B12 what lies on the disk is counted against its caller, and whoever is at the bound waits alone', () => {
  const { stock } = stockOf();
  const [one, two, others, more] = ['a', 'a', 'b', 'c'].map((caller) => stock.share(caller));
  one?.add(1.5 * GIB);
  expect(() => two?.add(GIB)).toThrow(Retry);
  others?.add(2 * GIB);
  // Together they may have twice as much as one of them.
  expect(() => more?.add(GIB)).toThrow(Retry);
  one?.remove(1.5 * GIB);
  two?.add(GIB);
  more?.add(GIB);
  expect(() => two?.add(1.5 * GIB)).toThrow(InputFault);
});

test('B12 the files of a hundred waiting jobs are kept at most, and those of a job once', async () => {
  const { stock } = stockOf();
  const first = fakeInputs();
  await stock.keep('0', first);
  const again = fakeInputs();
  await stock.keep('0', again);
  expect([first.removed, again.removed]).toEqual([false, true]);
  for (let i = 1; i < 100; i++) await stock.keep(String(i), fakeInputs());
  const more = fakeInputs();
  await stock.keep('more', more);
  expect([more.removed, stock.take('more'), stock.take('0')]).toEqual([true, null, first]);
});

test('what is kept for a job is given once, and removed when the job no longer waits', async () => {
  const gone = new Set<string>();
  const { stock } = stockOf(async (jobId) => !gone.has(jobId));
  const [taken, left] = [fakeInputs(), fakeInputs()];
  await stock.keep('taken', taken);
  await stock.keep('left', left);
  expect([stock.take('taken'), stock.take('taken')]).toEqual([taken, null]);
  gone.add('left').add('taken');
  await vi.waitFor(() => expect(left.removed).toBe(true));
  expect(taken.removed).toBe(false);
  const last = fakeInputs();
  await stock.keep('last', last);
  await stock.close();
  expect(last.removed).toBe(true);
});
