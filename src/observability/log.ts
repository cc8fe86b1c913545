import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export interface LogOptions {
  level: string;
  /** Lines for a person instead of JSON. */
  readable: boolean;
  /** Default: standard error, so that what a command prints stays its own. */
  destination?: DestinationStream;
}

/** The process's logger: a JSON line for each event. Secrets have no place in it; what could hold one is masked anyway. */
export function createLog({ level, readable, destination }: LogOptions): Logger {
  const options = {
    level,
    redact: {
      paths: ['*.password', '*.secret', '*.secretKey', '*.signingSecret', '*.authorization', '*.cookie'],
      censor: '[masked]',
    },
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (readable) {
    const stream = pretty({
      colorize: process.stderr.isTTY === true,
      destination: 2,
      sync: true,
      ignore: 'pid,hostname',
    });
    return pino(options, destination ?? stream);
  }
  return pino(options, destination ?? pino.destination({ dest: 2, sync: true }));
}
