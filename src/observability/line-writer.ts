import { write, writeSync } from 'node:fs';

/** Writes lines to a file, a pipe or a terminal, and is never in anybody's way. */
export interface LineWriter {
  /** Returns at once, whatever becomes of the text, which ends with a line end. */
  write(text: string): void;
  /** Resolves when all that was written before has gone out or is lost, after a second at the latest. */
  flushed(): Promise<void>;
  /** What has not gone out, tried once without waiting: for the end of the process. */
  end(): void;
}

export interface LineWriterOptions {
  fd: number;
  /** What is written first when there is a way out again, so that a gap shows. */
  gap: (lines: number, reason: string) => string;
  /** Told of each failed write. */
  onFault?: (error: unknown) => void;
  /** What may wait; lines beyond are lost. Default 4 MiB. */
  maxBytes?: number;
}

const FLUSH_MS = 1_000;

/**
 * A disk that is full, a reader that is gone or does not read: lines are lost and counted, and the process goes on. One write is
 * out at a time, in a thread of Node's pool, so that a pipe that is full holds up nobody else.
 */
export function createLineWriter({ fd, gap, onFault, maxBytes = 4 * 1024 * 1024 }: LineWriterOptions): LineWriter {
  let waiting: string[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let reason = '';
  let out: { since: number } | null = null;
  const idle = new Set<() => void>();

  function take(): Buffer {
    const notice = lost > 0 ? gap(lost, reason) : '';
    const bytes = Buffer.from(notice + waiting.join(''));
    waiting = [];
    waitingBytes = 0;
    return bytes;
  }

  function lose(lines: number, why: string) {
    lost += lines;
    reason = why;
  }

  function next() {
    if (waiting.length === 0) {
      out = null;
      for (const each of idle) each();
      return;
    }
    const lines = waiting.length;
    const told = lost;
    put(take(), lines, told);
  }

  function put(bytes: Buffer, lines: number, told: number) {
    out = { since: performance.now() };
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error && error.code !== 'EAGAIN') {
        lose(lines, error.code ?? error.message);
        onFault?.(error);
        return next();
      }
      const rest = bytes.subarray(error ? 0 : written);
      if (rest.length === 0) {
        lost -= told;
        return next();
      }
      // A pipe of somebody else's that is full and does not wait: it gets some time.
      if (error) setTimeout(put, 100, rest, lines, told).unref();
      else put(rest, lines, told);
    });
  }

  return {
    write(text) {
      const bytes = Buffer.byteLength(text);
      if (waitingBytes + bytes > maxBytes) return lose(1, 'they are not read fast enough');
      waiting.push(text);
      waitingBytes += bytes;
      if (!out) next();
    },
    async flushed() {
      if (!out) return;
      const done = Promise.withResolvers<void>();
      const timer = setTimeout(done.resolve, FLUSH_MS);
      idle.add(done.resolve);
      await done.promise;
      clearTimeout(timer);
      idle.delete(done.resolve);
    },
    end() {
      // What is out is with the system, or stuck: then more would be, too.
      if (waiting.length === 0 || (out && performance.now() - out.since > FLUSH_MS)) return;
      try {
        writeSync(fd, take());
      } catch {
        // There is no other place to say it, and no time.
      }
    },
  };
}
