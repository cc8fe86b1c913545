import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

export interface KeepRunningOptions {
  /** What it is, for log lines. */
  name: string;
  /** Starts it and resolves when it serves; rejects, having ended it, when it does not or the signal is aborted. */
  start: (signal: AbortSignal) => Promise<ChildProcess>;
  log: Logger;
  /** How long SIGTERM may take before SIGKILL follows. */
  stopTimeoutMs?: number;
}

export interface KeptRunning {
  /** Of the process running now. */
  readonly pid: number | undefined;
  /** Ends it in an orderly way and waits until it is gone. Any number of times. */
  close(): Promise<void>;
}

const BACKOFF = { firstMs: 100, maxMs: 5_000, forgottenAfterMs: 10_000 };

/** Starts a child and starts it again, with growing pauses, whenever it ends by itself. Only a failing first start is thrown. */
export async function keepRunning({
  name,
  start,
  log,
  stopTimeoutMs = 10_000,
}: KeepRunningOptions): Promise<KeptRunning> {
  const closing = new AbortController();
  let child = await start(closing.signal);

  const done = (async () => {
    let pauseMs = BACKOFF.firstMs;
    while (!closing.signal.aborted) {
      const began = performance.now();
      await ended(child, closing.signal);
      if (closing.signal.aborted) return;
      log.error({ child: name, code: child.exitCode, signal: child.signalCode }, 'child ended, starting it again');
      if (performance.now() - began > BACKOFF.forgottenAfterMs) pauseMs = BACKOFF.firstMs;
      pauseMs = await startAgain(pauseMs);
    }
  })();

  /** Resolves when it serves again, or we are closing, with the pause before the next time. */
  async function startAgain(firstPauseMs: number): Promise<number> {
    let pauseMs = firstPauseMs;
    while (!closing.signal.aborted) {
      try {
        await delay(pauseMs, undefined, { signal: closing.signal });
        pauseMs = Math.min(pauseMs * 2, BACKOFF.maxMs);
        child = await start(closing.signal);
        log.info({ child: name, pid: child.pid }, 'child started again');
        return pauseMs;
      } catch (error) {
        if (!closing.signal.aborted) log.error({ child: name, err: error }, 'child does not start');
      }
    }
    return pauseMs;
  }

  return {
    get pid() {
      return child.pid;
    },
    async close() {
      closing.abort();
      await done;
      await endChild(child, stopTimeoutMs);
    },
  };
}

/** SIGTERM, then SIGKILL when that takes too long, and wait until it is gone. */
export async function endChild(child: ChildProcess, timeoutMs: number): Promise<void> {
  if (hasEnded(child)) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  await exit;
  clearTimeout(kill);
}

/** Also true of one that could not be started at all. */
export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function ended(child: ChildProcess, signal: AbortSignal): Promise<void> {
  if (hasEnded(child)) return;
  await once(child, 'exit', { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
