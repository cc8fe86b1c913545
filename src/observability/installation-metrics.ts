import { Gauge } from 'prom-client';
import { within } from '../async/timeout.ts';
import { type BackendStatus, backendStatuses } from '../backends/backends.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import type { ThrottledFault } from './throttled.ts';

/** Where the state of the whole installation is read: each call may fail or hang. */
export interface InstallationSources {
  /** Of the queue; oldestQueuedMs is null where nothing waits. */
  counts(): Promise<{ queued: number; running: number; oldestQueuedMs: number | null }>;
  liveWorkers(): Promise<number>;
  backends(): Promise<readonly { status: BackendStatus }[]>;
  /** Whether Redis keeps what it acknowledges. */
  durable(): Promise<boolean>;
  /** Resolves when artifacts could be stored. */
  checkStorage(options: { signal: AbortSignal }): Promise<void>;
}

/** What was found out within the time; null: not known. */
type Reading = {
  [Name in Exclude<keyof InstallationSources, 'checkStorage'>]: Awaited<ReturnType<InstallationSources[Name]>> | null;
} & { stored: boolean };

type Sample = [labels: { [name: string]: string }, value: number];

/** Prometheus is to be answered although a part is away. */
const READ_WITHIN_MS = 1_000;

/**
 * Gauges of what all processes share. They are read when they are asked for, once for all of them; what cannot be read within a
 * second is absent, rather than what it was before. `fault` is told why.
 */
export function registerInstallation(
  { registry }: ProcessMetrics,
  sources: InstallationSources,
  fault: ThrottledFault,
): void {
  const known = async <T>(ask: () => Promise<T>): Promise<T | null> => {
    try {
      return await within(READ_WITHIN_MS, ask());
    } catch (error) {
      fault(error);
      return null;
    }
  };

  async function readAll(): Promise<Reading> {
    const signal = AbortSignal.timeout(READ_WITHIN_MS);
    const [counts, liveWorkers, backends, durable, stored] = await Promise.all([
      known(sources.counts),
      known(sources.liveWorkers),
      known(sources.backends),
      known(sources.durable),
      known(async () => {
        await sources.checkStorage({ signal });
        return true;
      }),
    ]);
    if ([counts, liveWorkers, backends, durable, stored].every((read) => read !== null)) fault.over();
    return { counts, liveWorkers, backends, durable, stored: stored === true };
  }

  let reading: Promise<Reading> | null = null;
  /** All gauges ask at the same time. */
  function read(): Promise<Reading> {
    reading ??= readAll().finally(() => {
      reading = null;
    });
    return reading;
  }

  function define(name: string, help: string, labelNames: string[], samplesOf: (reading: Reading) => Sample[]) {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        const samples = samplesOf(await read());
        this.reset();
        // Without labels it would be 0 from then on.
        if (labelNames.length === 0) this.remove();
        for (const [labels, value] of samples) this.set(labels, value);
      },
    });
  }
  const one = (value: number | boolean | null | undefined): Sample[] => (value == null ? [] : [[{}, Number(value)]]);

  define('comfygate_queue_jobs', 'Jobs of the installation that have not ended.', ['status'], ({ counts }) =>
    counts
      ? [
          [{ status: 'QUEUED' }, counts.queued],
          [{ status: 'RUNNING' }, counts.running],
        ]
      : [],
  );
  define('comfygate_queue_oldest_seconds', 'Age of the oldest job that is QUEUED; 0: none is.', [], ({ counts }) =>
    one(counts && (counts.oldestQueuedMs ?? 0) / 1000),
  );
  define('comfygate_workers', 'Workers that have reported themselves lately.', [], ({ liveWorkers }) =>
    one(liveWorkers),
  );
  define('comfygate_backends', 'ComfyUI servers by how they stand.', ['status'], ({ backends }) =>
    backends
      ? backendStatuses.map((status) => [{ status }, backends.filter((each) => each.status === status).length])
      : [],
  );
  define('comfygate_dependency_up', 'Whether it answered within a second: 1 or 0.', ['name'], ({ counts, stored }) => [
    [{ name: 'redis' }, counts ? 1 : 0],
    [{ name: 'storage' }, stored ? 1 : 0],
  ]);
  define(
    'comfygate_redis_durable',
    'Whether Redis evicts nothing and writes its append-only file: 1 or 0.',
    [],
    ({ durable }) => one(durable),
  );
}
