import { randomUUID } from 'node:crypto';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type ArtifactStore, StorageError } from '../../src/artifacts/artifact-store.ts';
import { workerFault } from '../attempt/failures.ts';

/**
 * Whether this worker can do its own part of a job: keep results on its disk for a while, and put them into storage.
 * While it cannot, it takes no jobs, since another worker may.
 */
export interface Fitness {
  /** Why it takes no jobs now, for a person; null while it does. */
  readonly unfit: string | null;
  /** A job has met this fault of the worker, which takes no more until it has shown that it is well. */
  suspect(fault: string): void;
  close(): void;
}

export interface FitnessOptions {
  /** Where results lie on their way; made when missing. */
  dir: string;
  artifacts: Pick<ArtifactStore, 'check'>;
  /** Called when it has become fit or unfit. */
  onChange(): void;
  intervalMs: number;
  log: Logger;
}

/** More than what a result leaves free (`spool`), so that jobs stop coming before one fails. */
const FREE_BYTES = 64 * 1024 * 1024;
const PROBE_BYTES = 1024 * 1024;
const STORAGE_WITHIN_MS = 2_000;

/** Looks at disk and storage now and then. It is unfit until the first look is over. */
export function startFitness({ dir, artifacts, onChange, intervalMs, log }: FitnessOptions): Fitness {
  let unfit: string | null = 'it has just been started';
  let suspicions = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function become(next: string | null) {
    if (next === unfit) return;
    if (next !== null) log.warn({ reason: next }, 'takes no jobs');
    else if (suspicions > 0) log.info('takes jobs again');
    unfit = next;
    onChange();
  }

  async function look() {
    const before = suspicions;
    const fault = (await diskFault(dir, unfit !== null)) ?? (await storageFault(artifacts));
    if (fault !== null) suspicions++;
    // What a job has met meanwhile may have come after the look at it.
    if (fault !== null || before === suspicions) become(fault);
    if (!closed) timer = setTimeout(look, intervalMs);
  }

  void look();
  return {
    get unfit() {
      return unfit;
    },
    suspect(fault) {
      suspicions++;
      become(fault);
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** `probed`: room alone does not show that the disk is well, a file that was written does. */
async function diskFault(dir: string, probed: boolean): Promise<string | null> {
  try {
    await mkdir(dir, { recursive: true });
    const { blocks, bavail, bsize, files, ffree } = await statfs(dir);
    // Some network file systems do not say how much they hold.
    if ((blocks > 0 && bavail * bsize < FREE_BYTES) || (files > 0 && ffree === 0)) return NO_ROOM;
    if (probed) await writeProbe(join(dir, `probe-${randomUUID()}`));
    return null;
  } catch (cause) {
    return workerFault(cause) ?? 'its disk for temporary files (TMPDIR) cannot be written';
  }
}

const NO_ROOM = 'its disk for temporary files (TMPDIR) has no room: it needs 64 MiB';

async function writeProbe(path: string): Promise<void> {
  try {
    await writeFile(path, Buffer.alloc(PROBE_BYTES), { mode: 0o600 });
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * A storage that is away or full is so for every worker: jobs are run, and their results wait for it. One that refuses
 * this worker may take the results of another one, whose clock, credentials or folder are right.
 */
async function storageFault(artifacts: Pick<ArtifactStore, 'check'>): Promise<string | null> {
  try {
    await artifacts.check({ signal: AbortSignal.timeout(STORAGE_WITHIN_MS) });
    return null;
  } catch (cause) {
    return cause instanceof StorageError ? workerFault(cause) : null;
  }
}
