import { afterAll } from 'vitest';

/** Replaces a test's context for things that live as long as a whole suite. Call it in the body of `describe`. */
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
