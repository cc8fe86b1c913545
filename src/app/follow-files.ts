import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Shutdown } from './shutdown.ts';

export interface FollowedFiles {
  /** For the log, such as `persisted documents`. */
  what: string;
  /** Paths of the files, which may be others each time. Rejects where there is no telling. */
  list(): Promise<readonly string[]>;
  /** Reads them and takes what they say. Rejects where they cannot be used: then what was taken before stays. */
  take(files: readonly string[]): Promise<void>;
}

export interface FollowedBy {
  log: Logger;
  shutdown: Pick<Shutdown, 'add'>;
}

/** Two looks, after which a change is taken, are well within two seconds. */
const PAUSE_MS = 500;

/**
 * Takes files now, and again when they have changed, until shutdown. By looking at them: a mounted ConfigMap, a disk of
 * the network and a folder that a container is given do not always tell of changes. A change is taken when it is the
 * same at two looks: several files that go together are written one after the other. Rejects where they cannot be used
 * now.
 */
export async function followFiles({ what, list, take }: FollowedFiles, { log, shutdown }: FollowedBy): Promise<void> {
  const broken = `${what} cannot be used as they are now`;
  const first = await list();
  // Before they are read: what is written in the meantime is another version.
  let taken = await versionOf(first);
  let seen = taken;
  /** Why they cannot be used, as the log says. */
  let told: string | null = null;
  await take(first);
  const ended = new AbortController();

  async function look(): Promise<void> {
    const files = await list();
    const version = await versionOf(files);
    const isStill = version === seen;
    seen = version;
    if (version === taken) return mended();
    if (!isStill) return;
    await take(files);
    taken = version;
    mended();
    log.info({ files: files.length }, `${what} changed`);
  }

  function mended(): void {
    if (told !== null) log.info(`over: ${broken}`);
    told = null;
  }

  /** They are tried again at each look, which fails alike while nobody mends them. */
  function tell(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== told) log.error({ error: reason, kept: true }, broken);
    told = reason;
  }

  async function follow(): Promise<void> {
    for (;;) {
      await delay(PAUSE_MS, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      if (ended.signal.aborted) return;
      await look().catch(tell);
    }
  }

  void follow();
  shutdown.add(what, () => ended.abort());
}

async function versionOf(files: readonly string[]): Promise<string> {
  const each = files.map(async (file) => {
    // Of one that is not there whoever takes it says so.
    const found = await stat(file).catch(() => null);
    return [file, found?.mtimeMs, found?.ctimeMs, found?.size, found?.ino].join(' ');
  });
  return (await Promise.all(each)).join('\n');
}
