import { openSync } from 'node:fs';
import type { Logger } from 'pino';
import { ConfigError } from '../config.ts';
import { createLineWriter, type LineWriter } from './line-writer.ts';
import { throttledWarning } from './throttled.ts';

/** Who did what. No prompt, key or address is in it. */
export interface AuditEntry {
  action: 'generate' | 'retry' | 'cancel' | 'delete' | 'upload' | 'drain' | 'resume';
  /** accepted, replayed: the key had made the job before; done; refused: for `code`; failed: unexpectedly, see the log. */
  outcome: 'accepted' | 'replayed' | 'done' | 'refused' | 'failed';
  /** Of the error that was answered. */
  code?: string | undefined;
  caller: string;
  requestId?: string | null | undefined;
  jobId?: string | undefined;
  /** The job that was run again. */
  retryOf?: string | undefined;
  workflow?: string | undefined;
  uploadId?: string | undefined;
  backend?: string | undefined;
}

export interface Audit {
  /** Returns at once; a stream that cannot be written is told to the log. */
  record(entry: AuditEntry): void;
  flushed(): Promise<void>;
}

export const noAudit: Audit = { record: () => undefined, flushed: async () => undefined };

export interface AuditOptions {
  /** `stdout`, `stderr`, or the path of a file that is appended to. */
  to: string;
  log: Logger;
  now?: () => number;
}

/** A name or id that was made up says nothing, and may be a text. */
const HARMLESS = /^[\w.:-]{1,128}$/;

/** A JSON line for each action. Throws when the file cannot be opened. */
export function createAudit({ to, log, now = Date.now }: AuditOptions): Audit {
  const fd = to === 'stdout' ? 1 : to === 'stderr' ? 2 : openSync(to, 'a', 0o640);
  const fault = throttledWarning(log, 'the audit log cannot be written: entries are lost');
  const timed = (entry: object) => `${JSON.stringify({ time: new Date(now()).toISOString(), ...entry })}\n`;
  const writer: LineWriter = createLineWriter({
    fd,
    gap: (lines, reason) => timed({ action: 'lost', lines, reason }),
    onFault: (error) => fault(error),
  });
  process.once('exit', () => writer.end());
  return {
    record(entry) {
      const harmless = Object.entries(entry).filter(([, value]) => typeof value === 'string' && HARMLESS.test(value));
      writer.write(timed(Object.fromEntries(harmless)));
    },
    flushed: () => writer.flushed(),
  };
}

/** That of the setting AUDIT_LOG, undefined: none. Throws ConfigError. */
export function openAudit(to: string | undefined, log: Logger): Audit {
  if (to === undefined) return noAudit;
  try {
    return createAudit({ to, log });
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new ConfigError([`AUDIT_LOG: expected stdout, stderr or a file that can be written (${reason}), got ${to}`]);
  }
}

/** The same of a command: what it prints to standard output stays its own. */
export function openCommandAudit(to: string | undefined, log: Logger): Audit {
  return openAudit(to === 'stdout' ? 'stderr' : to, log);
}
