import { tmpdir } from 'node:os';
import { afterAll, expect, vi } from 'vitest';

const PATIENCE_MS = 10_000;
const before = tmpdir();

/** vi.waitFor has a default timeout of one second, which is too short while other test files use the machine. */
const { waitFor } = vi;
vi.waitFor = (callback, options = PATIENCE_MS) => waitFor(callback, options);

/** Most files share a process, so what one leaves behind would change the next. */
afterAll(() => {
  vi.waitFor = waitFor;
  expect([vi.isFakeTimers(), tmpdir()], 'fake timers or another TMPDIR are left behind').toEqual([false, before]);
});
