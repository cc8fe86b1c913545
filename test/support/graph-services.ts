import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { createTurns } from '../../src/async/turns.ts';
import { anonymous } from '../../src/callers/identity.ts';
import { createPlans } from '../../src/callers/plans.ts';
import type { JobEvent } from '../../src/core/events.ts';
import { type Job, noProgress } from '../../src/core/job.ts';
import type { GraphContext } from '../../src/graphql/context.ts';
import { createBudgets } from '../../src/graphql/engine/budgets.ts';
import { createEngine } from '../../src/graphql/engine/engine.ts';
import { createSchema } from '../../src/graphql/schema.ts';
import type { HealthReport } from '../../src/health/health.ts';
import { createPlaces } from '../../src/http/graphql/places.ts';
import type { McpServices } from '../../src/mcp/services.ts';
import type { OperationObserver } from '../../src/observability/operation-observer.ts';
import { loadCatalogue } from '../../src/workflows/load.ts';
import { createTestFeed, type TestFeed } from './test-feed.ts';

/** The catalogue of the shipped workflows. */
export function shippedCatalogue() {
  return loadCatalogue({ dir: fileURLToPath(new URL('../../workflows', import.meta.url)), maxMegapixels: 4 });
}

const testTime = Date.UTC(2030, 0, 31, 12);

export function testJob(changes: Partial<Job> = {}): Job {
  return {
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    caller: 'anonymous',
    status: 'RUNNING',
    workflow: 'textToImage',
    template: 'a'.repeat(64),
    parameters: { prompt: 'a lighthouse', seed: 7 },
    priority: 'NORMAL',
    order: 1_000_000,
    tags: [],
    retryOf: null,
    progress: noProgress,
    artifacts: [],
    error: null,
    timings: [],
    attempts: 1,
    failures: 0,
    takeovers: 0,
    lease: 1,
    submission: null,
    ticket: null,
    waits: false,
    seq: 1,
    requestId: 'test',
    traceparent: null,
    cancelRequestedAt: null,
    createdAt: testTime,
    startedAt: testTime + 1,
    claimedAt: testTime + 1,
    finishedAt: null,
    deadlineAt: testTime + 86_400_000,
    expiresAt: null,
    ...changes,
  };
}

export function testEvent(seq: number, changes: Partial<JobEvent> & { job?: Job } = {}): JobEvent {
  return { seq, type: 'PROGRESS', at: testTime + seq, job: testJob({ seq }), ...changes };
}

const healthy: HealthReport = {
  status: 'HEALTHY',
  version: '1.2.3',
  checkedAt: testTime,
  checks: [{ name: 'redis', status: 'HEALTHY', latencyMs: 0.5, message: null, since: testTime - 3_600_000 }],
  queue: { queued: 1, running: 2, oldestQueuedSeconds: 3.5, workers: 1 },
};

function notExpected(what: string) {
  return () => Promise.reject(new Error(`${what} was not expected`));
}

function testUrl(host: string, key: string, options: object): string {
  const query = Object.entries(options).map(([name, value]) => [name, String(value)]);
  return `https://${host}.test/${key}?${new URLSearchParams(query)}`;
}

/** Use cases that fail unless the test replaces them, for tests of GraphQL and HTTP alone. */
export interface TestServices extends McpServices {
  feed: TestFeed;
}

export async function testServices(
  changes: { jobs?: Partial<McpServices['jobs']> } & Partial<Omit<McpServices, 'jobs' | 'feed'>> = {},
): Promise<TestServices> {
  return {
    plans: createPlans(() => new Map()),
    health: async () => healthy,
    catalogue: await shippedCatalogue(),
    backends: { backends: async () => [] },
    nodeDefinitions: { read: async () => [] },
    artifacts: {
      url: async (key, options) => testUrl('files', key, options),
      read: notExpected('read'),
    },
    dataUploads: { put: notExpected('put') },
    variantMaker: { ensure: notExpected('ensure') },
    variants: {
      url: ({ key }, variant, options) => testUrl('variants', key, { ...variant, ...options }),
    },
    texts: { read: notExpected('text') },
    artifactUrlTtlSeconds: 3600,
    now: () => testTime,
    limits: { maxUploadBytes: 100_000_000, maxMegapixels: 4, maxDeadlineSeconds: 604_800 },
    feed: createTestFeed(),
    uploads: { create: notExpected('create') },
    workflowAdder: { add: notExpected('add') },
    changeBackends: { drain: notExpected('drain'), resume: notExpected('resume') },
    watchJobs: { tokenFor: () => null, createToken: notExpected('createToken') },
    changes: { watch: notExpected('watch') },
    ...changes,
    jobs: {
      generate: notExpected('generate'),
      retry: notExpected('retry'),
      get: notExpected('get'),
      list: notExpected('list'),
      cancel: notExpected('cancel'),
      remove: notExpected('remove'),
      ownsAll: notExpected('ownsAll'),
      limits: notExpected('limits'),
      queuePosition: notExpected('queuePosition'),
      ...changes.jobs,
    },
  };
}

/** What a transport counts its clients' operations by. */
export const testBounds = () => ({ budgets: createBudgets(), places: createPlaces(1_000), turns: createTurns(5) });

/** A logger whose lines are kept as objects. */
export function testLog() {
  const lines: { [name: string]: unknown }[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, lines };
}

/** Runs operations through the engine, without a transport. */
export async function testGraph(services: TestServices, observer?: OperationObserver) {
  const { log, lines } = testLog();
  const engine = createEngine({ schema: createSchema(services.catalogue), log, observer });
  const contextValue: GraphContext = {
    requestId: 'request-1',
    identity: anonymous,
    client: '127.0.0.1',
    budget: createBudgets().open('127.0.0.1'),
    signal: new AbortController().signal,
    services,
  };

  /** The answer in the form that a client gets. */
  async function run(query: string, variables: { [name: string]: unknown } = {}) {
    const document = engine.parse(query);
    const faults = engine.validate(document);
    const result = faults.length
      ? { errors: faults }
      : await engine.execute({ document, variableValues: variables, contextValue });
    return JSON.parse(JSON.stringify(result));
  }
  return { engine, contextValue, run, lines };
}
