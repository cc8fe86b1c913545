import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

export interface KeepRunningOptions {
  /** The name of the child in log lines. */
  name: string;
  /**
   * Starts the child and resolves when it serves. When it fails or the signal is aborted, ends the child and rejects.
   */
  start: (signal: AbortSignal) => Promise<ChildProcess>;
  log: Logger;
  /** How long to wait after SIGTERM before SIGKILL is sent. Default 10 s. */
  stopTimeoutMs?: number;
}

export interface KeptRunning {
  /** The process id of the child that runs now. */
  readonly pid: number | undefined;
  /** Stops the child and waits until it has ended. May be called any number of times. */
  close(): Promise<void>;
}

const BACKOFF = { firstMs: 100, maxMs: 5_000, forgottenAfterMs: 10_000 };

/**
 * Starts a child, and starts it again with growing pauses whenever it ends. Rejects only when the first start fails.
 */
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

  /** Resolves when the child serves again, or `close` was called, with the pause before the next start. */
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

/** Sends SIGTERM, and SIGKILL after `timeoutMs`, and waits until the child has ended. */
export async function endChild(child: ChildProcess, timeoutMs: number): Promise<void> {
  if (hasEnded(child)) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  await exit;
  clearTimeout(kill);
}

/** Whether the child has ended, or could not be started. */
export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function ended(child: ChildProcess, signal: AbortSignal): Promise<void> {
  if (hasEnded(child)) return;
  await once(child, 'exit', { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
