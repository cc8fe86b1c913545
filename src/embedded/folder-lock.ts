import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beginningOf } from './process-info.ts';

/** The folder is held, by this process. */
export interface HeldBy {
  readonly pid: number;
}

/**
 * Takes a folder for this process alone, or says who holds it. A holder that was killed leaves its file behind; which is why the
 * files are numbered: who finds the last one stale makes the next, which only one can, and nobody ever removes a file that
 * another might just be taking over. Afterwards each looks again, so that nobody who looked too early holds it beside another.
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

/** The file's content; one that is still empty is given a moment, since its writer makes it and fills it in two steps. */
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

/** One that was cut off while it was written belongs to nobody. */
function parseHolder(content: string): { pid: number; began: string } {
  const match = /^\{"pid":(\d+),"began":"([^"]+)"\}$/.exec(content);
  return { pid: Number(match?.[1] ?? 0), began: match?.[2] ?? '' };
}

/** False when the file is there already. */
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
