import { write, writeSync } from 'node:fs';

/** Writes lines to a file, a pipe or a terminal, and is never in anybody's way. */
export interface LineWriter {
  /** Returns at once, whatever becomes of the text, which ends with a line end. */
  write(text: string): void;
  /** Resolves when all that was written before has gone out or is lost, after a second at the latest. */
  flushed(): Promise<void>;
  /** Whether a write has held up its thread for a while: exit() would wait for it, as long as a pipe is full and nobody reads. */
  stuck(): boolean;
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
/** Longer than a write takes, and less than is waited for one at the end. */
const STUCK_MS = 500;
const LINE_END = 10;

/** What is written at once: `notice` of the lines `told` as lost, then the lines. */
interface Batch {
  notice: string;
  told: number;
  lines: readonly string[];
}

/**
 * A disk that is full, a reader that is gone or does not read: lines are lost and counted, and the process goes on. One write is
 * out at a time, in a thread of Node's pool, so that a pipe that is full holds up nobody else.
 */
export function createLineWriter({ fd, gap, onFault, maxBytes = 4 * 1024 * 1024 }: LineWriterOptions): LineWriter {
  let waiting: string[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let reason = '';
  /** What has gone out last is a piece of a line: what comes next must not be glued to it. */
  let torn = false;
  let writing = false;
  let out: { since: number } | null = null;
  const idle = new Set<() => void>();

  function take(): Batch {
    const gone = lost > 0 ? gap(lost, reason) : '';
    const batch = { notice: torn ? `\n${gone}` : gone, told: lost, lines: waiting };
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
      out = null;
      for (const each of idle) each();
      return;
    }
    const batch = take();
    put(bytesOf(batch), 0, batch);
  }

  function put(bytes: Buffer, from: number, batch: Batch) {
    out = { since: performance.now() };
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
        lost -= batch.told;
        return next();
      }
      // A pipe of somebody else's that is full and does not wait: it gets some time.
      if (error) setTimeout(put, 100, bytes, to, batch).unref();
      else put(bytes, to, batch);
    });
  }

  /** Of a batch only the first bytes have gone out. */
  function giveUp({ notice, told, lines }: Batch, writtenBytes: number, why: string) {
    let end = Buffer.byteLength(notice);
    if (writtenBytes >= end) lost -= told;
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
    stuck: () => writing && out !== null && performance.now() - out.since > STUCK_MS,
    end() {
      // What is out is with the system, or stuck: then more would be, too.
      if (waiting.length === 0 || (out && performance.now() - out.since > FLUSH_MS)) return;
      try {
        writeSync(fd, bytesOf(take()));
      } catch {
        // There is no other place to say it, and no time.
      }
    },
  };
}

const bytesOf = ({ notice, lines }: Batch) => Buffer.from(notice + lines.join(''));
