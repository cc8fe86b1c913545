import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beginningOf } from './process-info.ts';

/** Another process holds the folder: its process id. */
export interface HeldBy {
  readonly pid: number;
}

/**
 * Locks a folder for this process, or returns the process that holds it.
 *
 * A holder that was killed leaves its lock file behind, and two processes may find it at the same time. Lock files are
 * therefore numbered. A process that finds only stale files creates the file with the next number, exclusively, so only
 * one process can. It then reads all files again and gives up if another process holds one, since that process may have
 * read the folder before our file was there. Stale files are removed only by the process that holds the lock.
 */
export async function lockFolder(dir: string): Promise<{ release: () => Promise<void> } | HeldBy> {
  const mine = JSON.stringify({ pid: process.pid, began: beginningOf(process.pid) });
  for (;;) {
    const found = await readLocks(dir);
    const holder = found.find(isHeld);
    if (holder) return { pid: holder.pid };

    const number = Math.max(0, ...found.map((lock) => lock.number)) + 1;
    const path = pathOf(dir, number);
    if (!(await writeNew(path, mine))) continue;

    const release = () => rm(path, { force: true });
    const others = (await readLocks(dir)).filter((lock) => lock.number !== number);
    const other = others.find(isHeld);
    if (other) {
      await release();
      return { pid: other.pid };
    }
    for (const stale of others) await rm(pathOf(dir, stale.number), { force: true });
    return { release };
  }
}

interface Lock {
  readonly number: number;
  readonly pid: number;
  readonly began: string;
}

const NAME = /^lock\.(\d{1,9})$/;

const pathOf = (dir: string, number: number) => join(dir, `lock.${number}`);

const isHeld = ({ pid, began }: Lock) => began !== '' && beginningOf(pid) === began;

async function readLocks(dir: string): Promise<Lock[]> {
  const numbers = (await readdir(dir)).flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
  return Promise.all(
    numbers.map(async (number) => ({ number, ...parseHolder(await readSettled(pathOf(dir, number))) })),
  );
}

/** Reads a lock file. Its writer creates it and fills it in two steps, so an empty file is read again for 200 ms. */
async function readSettled(path: string): Promise<string> {
  for (let left = 20; ; left--) {
    const content = await readFile(path, 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return 'released meanwhile';
      throw error;
    });
    if (content !== '' || left === 0) return content;
    await delay(10);
  }
}

/** The holder named in a lock file. A file whose writing was cut off has no holder. */
function parseHolder(content: string): { pid: number; began: string } {
  const match = /^\{"pid":(\d+),"began":"([^"]+)"\}$/.exec(content);
  return { pid: Number(match?.[1] ?? 0), began: match?.[2] ?? '' };
}

/** Creates a file (mode 0600) and flushes it to disk. Returns false when the file exists already. */
export async function writeNew(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx', mode: 0o600, flush: true });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
