import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = () => `comfygate-worker-${hostname()}-`;

/**
 * A folder for results on their way, named for this process; what workers that were killed on this host left is
 * removed.
 */
export async function openTempFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(prefix()));
  for (const name of names) {
    const pid = Number(name.slice(prefix().length));
    if (pid === process.pid || !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
  const path = join(tmpdir(), `${prefix()}${process.pid}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
