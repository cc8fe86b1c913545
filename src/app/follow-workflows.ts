import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { throttledWarning } from '../observability/throttled.ts';
import { faultLine, type WorkflowCatalogue } from '../workflows/catalogue.ts';
import { loadCatalogue } from '../workflows/load.ts';
import type { RoleProcess } from './run-role.ts';

/** The installed workflows, which change while the process runs. */
export interface InstalledWorkflows {
  catalogue: WorkflowCatalogue;
  /** `listener` is called after each change of the catalogue. */
  onChange(listener: () => void): void;
}

export const namesIn = ({ workflows }: WorkflowCatalogue) => workflows.map(({ name }) => name);

/** Two looks, after which a change is taken, are well within two seconds. */
const PAUSE_MS = 500;
/** Where there are many folders the pause is so many times as long as a look, at most a second. */
const PAUSE_LOOKS = 9;
const MAX_PAUSE_MS = 1_000;
/** Of one folder: whoever mends these sees the rest then. */
const LOGGED_FAULTS = 10;
/** `kept`: as it was before it stays in use. */
const BROKEN = 'workflows cannot be used as they are now';

/**
 * Loads the workflows, and takes changes of their folder until shutdown. By looking at it: a mounted ConfigMap, a disk
 * of the network and a folder that a container is given do not always tell of changes. Looking at a hundred folders
 * takes some 7 ms of a processor.
 */
export async function followWorkflows(
  { workflowsDir: dir, jobs: { maxMegapixels } }: Config,
  { log, shutdown }: Pick<RoleProcess, 'log' | 'shutdown'>,
): Promise<InstalledWorkflows> {
  const catalogue = await loadCatalogue({ dir, maxMegapixels });
  const listeners: (() => void)[] = [];
  const ended = new AbortController();
  const failed = throttledWarning(log, 'a change of the workflows could not be taken');

  const placeOf = (folder: string) => ({ dir, ...(folder !== '' && { workflow: folder }) });

  async function look(): Promise<void> {
    const { added, changed, removed, broken, mended } = await catalogue.look();
    for (const { folder, faults } of broken) {
      const lines = faults.slice(0, LOGGED_FAULTS).map(faultLine);
      const more = faults.length - lines.length;
      const kept = folder === '' || catalogue.get(folder) !== undefined;
      log.error({ ...placeOf(folder), faults: lines, ...(more > 0 && { more }), kept }, BROKEN);
    }
    for (const folder of mended) log.info(placeOf(folder), `over: ${BROKEN}`);
    if (added.length + changed.length + removed.length === 0) return;
    log.info({ dir, added, changed, removed }, 'workflows changed');
    for (const listener of listeners) listener();
  }

  async function follow(): Promise<void> {
    let pauseMs = PAUSE_MS;
    for (;;) {
      await delay(pauseMs, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      if (ended.signal.aborted) return;
      const began = performance.now();
      await look().catch(failed);
      pauseMs = Math.min(MAX_PAUSE_MS, Math.max(PAUSE_MS, PAUSE_LOOKS * (performance.now() - began)));
    }
  }

  void follow();
  shutdown.add('workflows', () => ended.abort());
  return { catalogue, onChange: (listener) => void listeners.push(listener) };
}
