import { vi } from 'vitest';

const PATIENCE_MS = 10_000;

/** vi.waitFor gives up after a second and cannot be configured: beside another suite's processes that is not long. */
const { waitFor } = vi;
vi.waitFor = (callback, options = PATIENCE_MS) => waitFor(callback, options);
