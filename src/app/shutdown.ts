import type { Logger } from 'pino';

type Dispose = () => Promise<void> | void;

/** Collects the started parts of a process, and stops them in the opposite order. */
export interface Shutdown {
  /** Adds a part that was just started, and how to stop it. */
  add(name: string, dispose: Dispose): void;
  /** Stops all parts once; further calls get the same promise. A part that fails or hangs does not block the others. */
  run(): Promise<void>;
}

/** `timeoutMs` bounds the whole shutdown: parts that have not stopped by then end with the process. */
function createShutdown(log: Logger, timeoutMs: number): Shutdown {
  const parts: { name: string; dispose: Dispose }[] = [];
  let running: Promise<void> | null = null;

  async function stopAll() {
    const end = performance.now() + timeoutMs;
    for (const { name, dispose } of parts.reverse()) {
      const left = Math.max(500, end - performance.now());
      let timer: NodeJS.Timeout | undefined;
      try {
        const late = new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error('did not stop in time')), left);
        });
        await Promise.race([dispose(), late]);
      } catch (error) {
        log.warn({ part: name, err: error }, 'stopping failed');
      } finally {
        clearTimeout(timer);
      }
    }
  }

  return {
    add: (name, dispose) => void parts.push({ name, dispose }),
    run: () => {
      running ??= stopAll();
      return running;
    },
  };
}

/** Signals that arrive within this time count as one, see `stop`. */
const SAME_SIGNAL_MS = 500;

export interface RunOptions {
  log: Logger;
  /** The time limit of the whole shutdown. */
  timeoutMs: number;
  /** Ends the process once its log lines are written. */
  exit: (code: number) => Promise<void>;
}

/**
 * Runs a process until SIGINT or SIGTERM, or until a parent that started it with an IPC channel has ended. Then all
 * parts are stopped in order and the process exits with 0. A second signal, or an uncaught error, ends it at once with
 * 1. `start` must add each part to the shutdown as soon as it has started, so that a start that fails half-way is
 * undone.
 */
export async function runUntilStopped(
  { log, timeoutMs, exit }: RunOptions,
  start: (shutdown: Shutdown) => Promise<void>,
): Promise<void> {
  const shutdown = createShutdown(log, timeoutMs);
  let stopping = false;
  let stoppingSince = 0;
  const stop = (reason: string) => {
    // Ctrl-C may arrive twice: the terminal signals the whole process group, and the parent passes its signal on.
    if (stopping && performance.now() - stoppingSince < SAME_SIGNAL_MS) return;
    if (stopping) return void exit(1);
    stopping = true;
    stoppingSince = performance.now();
    log.info({ reason }, 'stopping');
    void shutdown.run().then(() => exit(0));
  };
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('disconnect', () => stop('the parent process ended'));
  // Without this handler Node would print every field of the error, such as the arguments of a Redis command, which may
  // be secret. Unhandled rejections end here as well.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'unexpected error: the process ends');
    void exit(1);
  });
  try {
    await start(shutdown);
  } catch (error) {
    if (stopping) return;
    stopping = true;
    await shutdown.run();
    throw error;
  }
}
