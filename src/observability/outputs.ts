import { openSync } from 'node:fs';
import { createLineWriter, type LineWriter, type LineWriterOptions } from './line-writer.ts';

export interface OutputOptions extends Omit<LineWriterOptions, 'fd' | 'maxBytes'> {
  /** `stdout`, `stderr`, or the path of a file that is appended to (made with mode 0640). */
  to: string;
}

/** Where the lines of a process go. */
export interface Outputs {
  /** Throws when the file cannot be opened. What is open already is given again, as whoever asked first has it. */
  open(options: OutputOptions): LineWriter;
  /**
   * Ends the process when its lines have gone out, after a second at the latest; by SIGKILL where somebody has stopped reading
   * and holds up a thread, since exit() would wait for that.
   */
  exit(code: number): Promise<void>;
}

/** One writer for each output, whoever writes there: two on one pipe would tear each other's lines. */
export function createOutputs(): Outputs {
  const writers = new Map<string, LineWriter>();
  process.once('exit', () => {
    for (const writer of writers.values()) writer.end();
  });
  return {
    open({ to, ...options }) {
      const known = writers.get(to);
      if (known) return known;
      const fd = to === 'stdout' ? 1 : to === 'stderr' ? 2 : openSync(to, 'a', 0o640);
      const writer = createLineWriter({ fd, ...options });
      writers.set(to, writer);
      return writer;
    },
    async exit(code) {
      const all = [...writers.values()];
      await Promise.all(all.map((writer) => writer.flushed()));
      if (all.some((writer) => writer.stuck())) process.kill(process.pid, 'SIGKILL');
      else process.exit(code);
    },
  };
}
