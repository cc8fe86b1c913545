import { Gauge } from 'prom-client';
import { within } from '../async/timeout.ts';
import { type BackendStatus, backendStatuses } from '../backends/backends.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import type { ThrottledFault } from './throttled.ts';

/** Reads the state of the whole installation. Each call may fail or hang. */
export interface InstallationSources {
  /** Jobs in the queue. `oldestQueuedMs` is the age of the oldest QUEUED job, or null where there is none. */
  counts(): Promise<{ queued: number; running: number; oldestQueuedMs: number | null }>;
  liveWorkers(): Promise<number>;
  backends(): Promise<readonly { status: BackendStatus }[]>;
  /** Whether Redis keeps what it acknowledges. */
  durable(): Promise<boolean>;
  /** Resolves when the artifact storage works. */
  checkStorage(options: { signal: AbortSignal }): Promise<void>;
}

/** The values that could be read within READ_WITHIN_MS; null where a value is unknown. */
type Reading = {
  [Name in Exclude<keyof InstallationSources, 'checkStorage'>]: Awaited<ReturnType<InstallationSources[Name]>> | null;
} & { stored: boolean };

type Sample = [labels: { [name: string]: string }, value: number];

/** Prometheus must get its answer although a part of the installation is down. */
const READ_WITHIN_MS = 1_000;

/**
 * Registers gauges for the state that all processes share. The state is read once for each scrape. A value that cannot
 * be read within a second is absent from the answer, since an old value would be misleading, and `fault` gets the
 * error.
 */
export function registerInstallation(
  { registry }: ProcessMetrics,
  sources: InstallationSources,
  fault: ThrottledFault,
): void {
  const valueOrNull = async <T>(readValue: () => Promise<T>): Promise<T | null> => {
    try {
      return await within(READ_WITHIN_MS, readValue());
    } catch (error) {
      fault(error);
      return null;
    }
  };

  async function readAll(): Promise<Reading> {
    const signal = AbortSignal.timeout(READ_WITHIN_MS);
    const [counts, liveWorkers, backends, durable, stored] = await Promise.all([
      valueOrNull(sources.counts),
      valueOrNull(sources.liveWorkers),
      valueOrNull(sources.backends),
      valueOrNull(sources.durable),
      valueOrNull(async () => {
        await sources.checkStorage({ signal });
        return true;
      }),
    ]);
    if ([counts, liveWorkers, backends, durable, stored].every((read) => read !== null)) fault.over();
    return { counts, liveWorkers, backends, durable, stored: stored === true };
  }

  let reading: Promise<Reading> | null = null;
  /** Every gauge of a scrape calls this at the same time, and all get the same reading. */
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
        // prom-client resets a gauge without labels to 0; it must be absent instead.
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
