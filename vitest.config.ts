import { defineConfig } from 'vitest/config';

/** Real servers and processes are started by most suites, so they run side by side only as far as two cores carry. */
export default defineConfig({
  // As Node resolves: `graphql` has a second build under `module`, and two of it cannot work on one schema.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    // Beside another suite's processes, a second is not long.
    expect: { poll: { timeout: 10_000 } },
    setupFiles: ['test/support/patience.ts'],
    hookTimeout: 60_000,
    teardownTimeout: 15_000,
    passWithNoTests: false,
  },
});
