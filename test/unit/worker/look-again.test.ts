import { expect, onTestFinished, test, vi } from 'vitest';
import type { NodeDefinitions } from '../../../src/core/node-definitions.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { createLookAgain } from '../../../worker/pool/look-again.ts';
import { testLog } from '../../support/graph-services.ts';

function start(fails = () => false) {
  const reads: string[] = [];
  const published: NodeDefinitions[] = [];
  const looked: number[] = [];
  const gate = Promise.withResolvers<void>();
  const ended = new AbortController();
  onTestFinished(() => ended.abort());
  const lookAgain = createLookAgain({
    async read(className) {
      reads.push(className);
      await gate.promise;
      if (fails()) throw new Error('not reached');
      return objectInfoSchema.parse({ [className]: {} });
    },
    publish: async (classes) => void published.push(classes),
    onLooked: (at) => looked.push(at),
    signal: ended.signal,
    log: testLog().log,
    pauseMs: 1,
  });
  return { lookAgain, reads, published, looked, open: gate.resolve };
}

test('what is asked for while a server is looked at is read together, each class once', async () => {
  const { lookAgain, reads, published, looked, open } = start();
  lookAgain({ at: 1, classes: ['A'] });
  for (let at = 2; at < 100; at++) lookAgain({ at, classes: ['A', 'B'] });
  lookAgain({ at: 50, classes: ['B'] });
  expect(reads).toEqual(['A']);
  open();
  await vi.waitFor(() => expect(looked).toEqual([1, 99]));
  expect(reads).toEqual(['A', 'A', 'B']);
  expect(published.map((classes) => [...classes.keys()])).toEqual([['A'], ['A', 'B']]);
});

test('a server that does not answer has not been looked at, and the next request finds it', async () => {
  let fails = true;
  const { lookAgain, reads, looked, open } = start(() => fails);
  open();
  lookAgain({ at: 1, classes: ['A'] });
  await vi.waitFor(() => expect(reads).toHaveLength(1));
  lookAgain({ at: 2, classes: ['A'] });
  fails = false;
  await vi.waitFor(() => expect(looked.at(-1)).toBe(2));
});
