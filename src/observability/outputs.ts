import { openSync } from 'node:fs';
import { createLineWriter, type LineWriter, type LineWriterOptions } from './line-writer.ts';

export interface OutputOptions extends Omit<LineWriterOptions, 'fd' | 'maxBytes'> {
  /** `stdout`, `stderr`, or the path of a file that is appended to (made with mode 0640). */
  to: string;
}

/** The outputs of a process that take lines: its log and its audit log. */
export interface Outputs {
  /**
   * Opens an output. One that is open already is returned again, with the options of the first call. Throws when the
   * file cannot be opened.
   */
  open(options: OutputOptions): LineWriter;
  /**
   * Ends the process when its lines are written, after one second at the latest. Where a full pipe blocks a thread,
   * exit() would wait for it, so the process ends itself by SIGKILL.
   */
  exit(code: number): Promise<void>;
}

/** Keeps one writer for each output, since two writers on the same pipe would mix their lines. */
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
