import { type Logger, pino } from 'pino';
import type { LineWriter, LineWriterOptions } from './line-writer.ts';
import type { Scrub } from './scrub.ts';
import { serializeError } from './serialize-error.ts';

export interface LogOptions {
  level: string;
  /** Turns a line, which is JSON, into another text; see `formatFor`. */
  format?: ((line: string) => string) | undefined;
  /** Masks the secrets in each line. */
  scrub: Scrub;
  destination: Pick<LineWriter, 'write'>;
}

/** The log goes to standard error, since standard output belongs to what a command prints. */
export const LOG_OUTPUT = {
  to: 'stderr',
  gap: (lines: number, reason: string) =>
    `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), lines, reason, msg: 'log lines were lost' })}\n`,
} satisfies Pick<LineWriterOptions, 'gap'> & { to: string };

/**
 * Creates the logger of the process: a JSON line for each event, see docs/logging.md. Code must not log secrets;
 * `scrub` masks them in case it does. When the destination accepts nothing, lines are lost, and the process goes on.
 */
export function createLog({ level, format, scrub, destination }: LogOptions): Logger {
  const stream = {
    write(line: string) {
      const safe = scrub(line);
      destination.write(format ? format(safe) : safe);
    },
  };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }) },
      serializers: { err: (thrown: unknown) => serializeError(thrown) },
    },
    stream,
  );
}

/** How lines are written to standard error. What makes them readable is loaded only where a person reads them. */
export async function formatFor(stderr: { isTTY?: boolean }): Promise<LogOptions['format']> {
  return stderr.isTTY === true ? (await import('./readable-line.ts')).readableLine : undefined;
}
