import { setTimeout as delay } from 'node:timers/promises';
import { unlessAborted } from '../async/abort.ts';
import type { Config } from '../config/config.ts';
import type { ProcessMetrics } from '../observability/process-metrics.ts';
import { throttledWarning } from '../observability/throttled.ts';
import { faultLine, type Workflow, type WorkflowCatalogue } from '../workflows/catalogue.ts';
import { loadCatalogue } from '../workflows/load.ts';
import type { RoleProcess } from './run-role.ts';

/** The installed workflows, which change while the process runs. */
export interface InstalledWorkflows {
  catalogue: WorkflowCatalogue;
  /** `listener` is called after each change of the catalogue. */
  onChange(listener: () => void): void;
  /**
   * Resolves once the catalogue has just this, and all listeners know of it: its name, parameters and graph. Rejects
   * with the signal's reason.
   */
  untilOffered(workflow: Workflow, signal: AbortSignal): Promise<Workflow>;
}

export const namesIn = ({ workflows }: WorkflowCatalogue) => workflows.map(({ name }) => name);

/** Two looks, after which a change is taken, are well within two seconds. */
const PAUSE_MS = 500;
/** A look at a folder takes some 0.07 ms of a processor: of the most folders, 1,000, all looks take 7 %. */
const PAUSE_PER_FOLDER_MS = 1;
/** Of one folder: whoever mends these sees the rest then. */
const LOGGED_FAULTS = 10;
/** `kept`: as it was before it stays in use. */
const BROKEN = 'workflows cannot be used as they are now';

/**
 * Loads the workflows, and takes changes of their folder until shutdown. By looking at it: a mounted ConfigMap, a disk
 * of the network and a folder that a container is given do not always tell of changes.
 */
export async function followWorkflows(
  { workflowsDir: dir, jobs: { maxMegapixels } }: Config,
  { log, shutdown }: Pick<RoleProcess, 'log' | 'shutdown'>,
  metrics: Pick<ProcessMetrics, 'setBrokenWorkflows'>,
): Promise<InstalledWorkflows> {
  const catalogue = await loadCatalogue({ dir, maxMegapixels });
  const listeners = new Set<() => void>();
  const brokenNow = new Set<string>();
  const ended = new AbortController();
  const failed = throttledWarning(log, 'a change of the workflows could not be taken');

  const placeOf = (folder: string) => ({ dir, ...(folder !== '' && { workflow: folder }) });

  async function look(): Promise<void> {
    const { added, changed, removed, broken, mended } = await catalogue.look();
    for (const { folder, faults } of broken) {
      brokenNow.add(folder);
      const lines = faults.slice(0, LOGGED_FAULTS).map(faultLine);
      const more = faults.length - lines.length;
      const kept = folder === '' || catalogue.get(folder) !== undefined;
      log.error({ ...placeOf(folder), faults: lines, ...(more > 0 && { more }), kept }, BROKEN);
    }
    for (const folder of mended) {
      brokenNow.delete(folder);
      log.info(placeOf(folder), `over: ${BROKEN}`);
    }
    metrics.setBrokenWorkflows(brokenNow.size);
    if (added.length + changed.length + removed.length === 0) return;
    log.info({ dir, added, changed, removed }, 'workflows changed');
    for (const listener of listeners) listener();
  }

  async function follow(): Promise<void> {
    for (;;) {
      const pauseMs = Math.max(PAUSE_MS, PAUSE_PER_FOLDER_MS * catalogue.workflows.length);
      await delay(pauseMs, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      if (ended.signal.aborted) return;
      await look().catch(failed);
    }
  }

  async function untilOffered(workflow: Workflow, signal: AbortSignal): Promise<Workflow> {
    const expected = JSON.stringify(workflow);
    for (;;) {
      signal.throwIfAborted();
      const offered = catalogue.get(workflow.name);
      if (offered && JSON.stringify(offered) === expected) return offered;
      const changed = Promise.withResolvers<void>();
      listeners.add(changed.resolve);
      try {
        await unlessAborted(signal, changed.promise);
      } finally {
        listeners.delete(changed.resolve);
      }
    }
  }

  void follow();
  shutdown.add('workflows', () => ended.abort());
  return { catalogue, onChange: (listener) => void listeners.add(listener), untilOffered };
}
