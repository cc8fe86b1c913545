import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export async function descriptorsOf(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

/** What each open file descriptor of a process is: a path, or the likes of `socket:[7]`. */
export async function openFilesOf(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const targets = (await readdir(folder)).map((name) => readlink(`${folder}/${name}`).catch(() => []));
  return (await Promise.all(targets)).flat();
}

/** Sets how many file descriptors a process may have. Open descriptors stay open. */
export async function limitDescriptors(pid: number, soft: number): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--nofile=${soft}:`]);
}

/** Of a process that is about to end, 0. */
export async function residentBytes(pid: number): Promise<number> {
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

/** Of its memory what the kernel cannot take back: without the files that it maps. Of a process about to end, 0. */
export async function anonymousBytes(pid: number): Promise<number> {
  return Number(/^RssAnon:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

/**
 * For how long the main thread of a process has had a processor, in milliseconds, on Linux. What others take of the
 * machine does not count. Read at once: it is a clock.
 */
export function mainThreadMs(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1e6;
}

/** The processes that a process has started, and that still run. */
export async function childrenOf(pid: number): Promise<number[]> {
  return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number);
}

/** Begins to measure how much memory a process takes; gives the most that it had since, in bytes. */
export async function watchMemory(pid: number): Promise<() => Promise<number>> {
  // Linux forgets the peak upon this.
  await writeFile(`/proc/${pid}/clear_refs`, '5');
  return async () => {
    const peak = /^VmHWM:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
    return Number(peak?.[1]) * 1024;
  };
}
