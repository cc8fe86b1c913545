import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Whether there is a process of this number now, zombies included. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Program and arguments, as the process shows them; empty when there is none. */
export function commandLineOf(pid: number): string {
  return process.platform === 'linux' ? readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') : ps(pid, 'args');
}

/**
 * When the process began, in a form that only equality means something of: numbers are used again, in containers soon, but not
 * with the same beginning. Empty when there is none.
 */
export function beginningOf(pid: number): string {
  if (process.platform !== 'linux') return ps(pid, 'lstart');
  // The second field is the program's name in parentheses and may hold anything; `starttime` is the 22nd.
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** Asks a process that is not our child to end, kills it when it has not within `timeoutMs`, and waits until it is gone. */
export async function endProcess(pid: number, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  signal(pid, 'SIGTERM');
  signal(pid, 'SIGCONT'); // one that was stopped hears nothing else
  while (isRunning(pid)) {
    if (Date.now() > deadline) signal(pid, 'SIGKILL');
    await delay(20);
  }
}

/** An orphan that nobody reaps stays as a zombie for ever: it holds nothing any more. */
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
    return ''; // ps answers with 1 when there is none
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
