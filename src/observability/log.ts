import { type Logger, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { LineWriter, LineWriterOptions } from './line-writer.ts';
import type { Scrub } from './scrub.ts';
import { serializeError } from './serialize-error.ts';

export interface LogOptions {
  level: string;
  /** Whether lines are formatted for a person instead of JSON. */
  readable: boolean;
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
export function createLog({ level, readable, scrub, destination }: LogOptions): Logger {
  const prettify = readable ? prettyFactory({ colorize: process.stderr.isTTY === true, ignore: 'pid,hostname' }) : null;
  const stream = {
    write(line: string) {
      const safe = scrub(line);
      destination.write(prettify ? prettify(withoutControls(safe)) : safe);
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

const STACK = /("stack":"(?:[^"\\]|\\.)*")/;
const ESCAPES = /\\(u00[01][0-9a-f]|[nrbf])|\\./gi;
const RAW = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Keeps control characters escaped that pino-pretty would write to the terminal as they are, so that logged text cannot
 * control the terminal. Only the newlines of a stack remain, since pino-pretty indents its lines.
 */
function withoutControls(json: string): string {
  const parts = json.split(STACK).map((part, i) => {
    const isStack = i % 2 === 1;
    return part.replace(ESCAPES, (whole, control?: string) =>
      control && !(isStack && control === 'n') ? `\\\\${control}` : whole,
    );
  });
  const escaped = (character: string) => `\\\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return parts.join('').replace(RAW, escaped);
}
