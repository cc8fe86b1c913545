import { write, writeSync } from 'node:fs';

/** Writes lines to a file, a pipe or a terminal, and never blocks the process. */
export interface LineWriter {
  /** Returns at once, also when the text is lost later. `text` must end with a newline. */
  write(text: string): void;
  /** Resolves when all earlier lines are written or lost, after one second at the latest. */
  flushed(): Promise<void>;
  /**
   * Whether a write has blocked its thread for a while, since a pipe is full and nobody reads it. Node's exit() would
   * wait for that thread.
   */
  stuck(): boolean;
  /** For the end of the process: tries once, synchronously, to write what is left. */
  end(): void;
}

export interface LineWriterOptions {
  fd: number;
  /** Makes the line that reports lost lines. It is written before the next line that can be written. */
  gap: (lines: number, reason: string) => string;
  /** Called with the error of each failed write. */
  onFault?: (error: unknown) => void;
  /** How much text may wait to be written; further lines are lost. Default 4 MiB. */
  maxBytes?: number;
}

const FLUSH_MS = 1_000;
/** Longer than a healthy write takes, and shorter than FLUSH_MS. */
const STUCK_MS = 500;
const LINE_END = 10;

/** What one write holds: `notice`, which reports `reportedLost` lost lines and may be empty, and then the lines. */
interface Batch {
  notice: string;
  reportedLost: number;
  lines: readonly string[];
}

/**
 * When a disk is full, or the reader of a pipe is gone or does not read, lines are lost and counted, and the process
 * goes on. Only one write is under way at a time, so a full pipe blocks at most one thread of Node's pool.
 */
export function createLineWriter({ fd, gap, onFault, maxBytes = 4 * 1024 * 1024 }: LineWriterOptions): LineWriter {
  let waiting: string[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let reason = '';
  /** Whether the last write ended within a line: then the next write must begin with a newline. */
  let torn = false;
  let writing = false;
  /** The write that is under way, and when it began. */
  let current: { since: number } | null = null;
  /** Called when nothing waits any more. */
  const onIdle = new Set<() => void>();

  function take(): Batch {
    const gapLine = lost > 0 ? gap(lost, reason) : '';
    const batch = { notice: torn ? `\n${gapLine}` : gapLine, reportedLost: lost, lines: waiting };
    waiting = [];
    waitingBytes = 0;
    return batch;
  }

  function lose(lines: number, why: string) {
    lost += lines;
    reason = why;
  }

  function next() {
    if (waiting.length === 0) {
      current = null;
      for (const callback of onIdle) callback();
      return;
    }
    const batch = take();
    put(bytesOf(batch), 0, batch);
  }

  function put(bytes: Buffer, from: number, batch: Batch) {
    current = { since: performance.now() };
    writing = true;
    write(fd, bytes, from, bytes.length - from, null, (error, written) => {
      writing = false;
      const to = from + (error ? 0 : written);
      if (to > 0) torn = bytes[to - 1] !== LINE_END;
      if (error && error.code !== 'EAGAIN') {
        giveUp(batch, to, error.code ?? error.message);
        onFault?.(error);
        return next();
      }
      if (to === bytes.length) {
        lost -= batch.reportedLost;
        return next();
      }
      // EAGAIN: another process made this pipe non-blocking, and it is full. Its reader gets some time.
      if (error) setTimeout(put, 100, bytes, to, batch).unref();
      else put(bytes, to, batch);
    });
  }

  /** Counts as lost the lines of a batch that were not written completely. */
  function giveUp({ notice, reportedLost, lines }: Batch, writtenBytes: number, why: string) {
    let end = Buffer.byteLength(notice);
    if (writtenBytes >= end) lost -= reportedLost;
    const whole = lines.filter((line) => {
      end += Buffer.byteLength(line);
      return end <= writtenBytes;
    });
    lose(lines.length - whole.length, why);
  }

  return {
    write(text) {
      const bytes = Buffer.byteLength(text);
      if (waitingBytes + bytes > maxBytes) return lose(1, 'they are not read fast enough');
      waiting.push(text);
      waitingBytes += bytes;
      if (!current) next();
    },
    async flushed() {
      if (!current) return;
      const done = Promise.withResolvers<void>();
      const timer = setTimeout(done.resolve, FLUSH_MS);
      onIdle.add(done.resolve);
      await done.promise;
      clearTimeout(timer);
      onIdle.delete(done.resolve);
    },
    stuck: () => writing && current !== null && performance.now() - current.since > STUCK_MS,
    end() {
      // A write that takes so long is stuck, and another one would be, too.
      if (waiting.length === 0 || (current && performance.now() - current.since > FLUSH_MS)) return;
      try {
        writeSync(fd, bytesOf(take()));
      } catch {
        // The process is about to end, and there is no other output to report this to.
      }
    },
  };
}

const bytesOf = ({ notice, lines }: Batch) => Buffer.from(notice + lines.join(''));
