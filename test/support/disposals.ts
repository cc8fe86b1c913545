import { afterAll } from 'vitest';

/** Stands for a test's own context where things live as long as a whole suite: call it in the body of `describe`. */
export function disposals() {
  const undo: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const each of undo.reverse()) await each();
  }, 60_000);
  return {
    onTestFinished(dispose: () => Promise<void>) {
      undo.push(dispose);
    },
  };
}
