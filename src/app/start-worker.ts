import { randomUUID } from 'node:crypto';
import { openTempFolder } from '../../worker/temp-folder.ts';
import { createWorker } from '../../worker/worker.ts';
import type { Config } from '../config/config.ts';
import type { BackendAddress } from '../config/values.ts';
import type { Probes } from '../health/health.ts';
import { createSeal } from '../job-record/seal.ts';
import { registerBackendStates } from '../observability/worker-metrics.ts';
import { commonSecret, type ProcessContext } from './process-context.ts';
import { openWorkerServices } from './worker-services.ts';

/** The share of SHUTDOWN_TIMEOUT in which running jobs may finish before they are handed back. */
const FINISH_SHARE = 0.6;

/** Starts a worker for `backends` in this process. It adds its parts to `context.shutdown`. Returns its probes. */
export async function startWorker(
  config: Config,
  context: ProcessContext,
  backends: readonly BackendAddress[],
): Promise<Probes> {
  const { log, shutdown } = context;
  const { watchHealth, ...services } = await openWorkerServices(config, context, backends);
  const temp = await openTempFolder();
  shutdown.add('temporary files', temp.remove);
  const workerId = randomUUID();
  const worker = createWorker({
    ...services,
    workerId,
    backends: [...backends],
    depth: config.comfyui.depth,
    jobTimeoutMs: config.jobs.timeoutMs,
    jobAttempts: config.jobs.attempts,
    previewMethod: config.comfyui.previewMethod,
    orgApiKey: config.comfyui.orgApiKey,
    seal: createSeal(commonSecret(config, context)),
    tempDir: temp.path,
    inputs: config.inputs,
    finishTimeoutMs: config.shutdownTimeoutMs * FINISH_SHARE,
    log: log.child({ part: 'worker' }),
  });
  registerBackendStates(context.metrics, worker.backends);
  context.metrics.addBounds(worker.bounds);
  shutdown.add('worker', () => worker.close());
  const health = watchHealth(worker);
  shutdown.add('readiness of the worker', () => health.stopping());
  log.info({ workerId, backends: backends.map(({ name }) => name) }, 'worker started');
  return health;
}
