import { vi } from 'vitest';

const PATIENCE_MS = 10_000;

/** vi.waitFor has a default timeout of one second, which is too short while other test files use the machine. */
const { waitFor } = vi;
vi.waitFor = (callback, options = PATIENCE_MS) => waitFor(callback, options);
