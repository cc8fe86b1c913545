import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Paths in test/ by how long their files take: that of the pages is the longest of those that wait. */
const LONGEST_FIRST = [
  ...['e2e/clients/pages.', 'chaos/', 'e2e/studio/', 'e2e/clients/runtimes.', 'e2e/'],
  ...['integration/', 'simulator/', 'contract/', 'unit/'],
];

/** A long file that began last would leave one of the two cores idle until its end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      LONGEST_FIRST.findIndex((path) => moduleId.includes(`/test/${path}`));
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/** Files that change what a process has once, such as the readers of sharp and OpenTelemetry's providers. */
const OWN_PROCESS = ['test/**/variants/*.test.ts', 'test/unit/observability/{traces,operation-spans}.test.ts'];

/**
 * Files that wait for most of their time: until a lock, a lease or a deadline is over, a path or a server is given up,
 * or Redis has another master. Each takes a third of a core, one a half, so four of them take less than two of the
 * others. Those of the pages take longest, and all others are done beside them.
 */
const WAITING = [
  'test/chaos/several-servers/servers-away.test.ts',
  'test/e2e/clients/{logins,pages}.test.ts',
  'test/e2e/installed-packages.test.ts',
  'test/e2e/operations/{cluster,planned-failover,restore,sentinel}.test.ts',
  'test/integration/embedded-redis.test.ts',
  'test/integration/health/hung-worker.test.ts',
  'test/integration/http/late-watchers.test.ts',
  'test/integration/progress/{long-poll,previews}.test.ts',
  'test/integration/queue/{bullmq,refused-writes}.test.ts',
  'test/integration/worker/{comfyui-faults,previews,stalled-servers,waiting}.test.ts',
];

/**
 * Real servers and processes are started by most suites, so they run side by side only as far as two cores carry: with
 * three, those of faults and attacks look at each other's load.
 */
export default defineConfig({
  // As Node resolves: `graphql` has a second build under `module`, and two of it cannot work on one schema.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    maxWorkers: 2,
    testTimeout: 30_000,
    // Beside another suite's processes, a second is not long.
    expect: { poll: { timeout: 10_000 } },
    setupFiles: ['test/support/patience.ts'],
    hookTimeout: 60_000,
    teardownTimeout: 15_000,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: { name: 'own', include: OWN_PROCESS, isolate: true },
      },
      {
        extends: true,
        test: {
          name: 'waiting',
          include: WAITING,
          isolate: false,
          maxWorkers: 4,
          // After all others, and not beside them.
          sequence: { groupOrder: 1 },
        },
      },
      {
        // A process for each file would load the same modules again, which took half of the time of unit tests. So a
        // file leaves nothing behind: it ends what it starts, and restores what it replaces.
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...OWN_PROCESS, ...WAITING],
          isolate: false,
        },
      },
    ],
  },
});
