import { execFile, execFileSync } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import { tempFolder } from './process.ts';

const run = promisify(execFile);

const FILL_TRIES = 20;

/** A disk in memory for one test, which can be filled. */
export interface SmallDisk {
  path: string;
  /** Leaves no free space. */
  fill(): Promise<void>;
  /** Frees space again. */
  makeRoom(): Promise<void>;
  close(): Promise<void>;
}

/** Mounts a disk with so many inodes (0: as many as it wants). Null where this user may not. */
export async function mountSmallDisk(sizeBytes: number, { inodes = 0 } = {}): Promise<SmallDisk | null> {
  const { path, remove } = await tempFolder();
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},nr_inodes=${inodes}`, 'tmpfs', path]);
  } catch {
    await remove();
    return null;
  }
  const unmountWithTests = () => void execFileSync('umount', ['--lazy', path]);
  process.once('exit', unmountWithTests);
  const resize = (size: number) => run('mount', ['-o', `remount,size=${size}`, path]);

  return {
    path,
    async fill() {
      for (let left = FILL_TRIES; ; left--) {
        const { blocks, bfree, bsize } = await statfs(path);
        try {
          await resize(Math.max(1, blocks - bfree) * bsize);
          return;
        } catch (cause) {
          // The disk cannot become smaller than its content, which may have grown meanwhile.
          if (left === 0) throw cause;
        }
      }
    },
    async makeRoom() {
      await resize(sizeBytes);
    },
    async close() {
      process.off('exit', unmountWithTests);
      await run('umount', [path]);
      await remove();
    },
  };
}
