import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Whether a process with this id exists now, zombies included. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Program and arguments of a process; empty when there is no such process. */
export function commandLineOf(pid: number): string {
  return process.platform === 'linux' ? readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') : ps(pid, 'args');
}

/**
 * The start time of a process, as a text that can only be compared for equality; empty when there is no such process.
 * Process ids are reused, in containers soon, so a process is identified by its id and its start time together.
 */
export function beginningOf(pid: number): string {
  if (process.platform !== 'linux') return ps(pid, 'lstart');
  // The second field is the program's name in parentheses, which may contain any character. `starttime` is the 22nd
  // field.
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** Ends a process that is not our child: SIGTERM, then SIGKILL after `timeoutMs`. Resolves when it has ended. */
export async function endProcess(pid: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  signal(pid, 'SIGTERM');
  signal(pid, 'SIGCONT'); // a stopped process handles SIGTERM only after it was continued
  while (isRunning(pid)) {
    if (performance.now() > deadline) signal(pid, 'SIGKILL');
    await delay(20);
  }
}

/**
 * A zombie does not count as running: it holds no files any more, and without a parent that reaps it it stays for ever.
 */
function isRunning(pid: number): boolean {
  return isAlive(pid) && commandLineOf(pid) !== '';
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(codeOf(error))) return '';
    throw error;
  }
}

function ps(pid: number, field: string): string {
  try {
    return execFileSync('ps', ['-ww', '-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return ''; // ps exits with 1 when there is no such process
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
