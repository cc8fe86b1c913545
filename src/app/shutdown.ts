import type { Logger } from 'pino';

type Dispose = () => Promise<void> | void;

/** What was started, to be stopped in the opposite order. */
export interface Shutdown {
  /** Says how to stop what has just been started. */
  add(name: string, dispose: Dispose): void;
  /** Stops everything once; a part that fails or hangs does not hold up the others. Calls share one run. */
  run(): Promise<void>;
}

/** `timeoutMs` bounds the whole: what has not stopped by then is left to the end of the process. */
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

const SAME_SIGNAL_MS = 500;

export interface RunOptions {
  log: Logger;
  /** For the whole of a stop. */
  timeoutMs: number;
  /** Ends the process, once its lines are out. */
  exit: (code: number) => Promise<void>;
}

/**
 * Runs a process until SIGINT or SIGTERM, or the end of a parent that started it with an IPC channel: then what was started
 * is stopped in order and the process exits with 0. A second signal exits at once, and so does an error that nobody has caught.
 * `start` gets to register what it starts one by one, so that a start that fails half-way is undone.
 */
export async function runUntilStopped(
  { log, timeoutMs, exit }: RunOptions,
  start: (shutdown: Shutdown) => Promise<void>,
): Promise<void> {
  const shutdown = createShutdown(log, timeoutMs);
  let stopping = false;
  let stoppingSince = 0;
  const stop = (reason: string) => {
    // A terminal's Ctrl-C reaches the whole group, and a parent that passes signals on makes it two: that is one wish.
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
  // Node itself would print all that hangs on it, such as what a command was called with. Rejections come here as well.
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
