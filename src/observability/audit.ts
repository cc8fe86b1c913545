import type { Logger } from 'pino';
import { ConfigError } from '../config/config.ts';
import { GatewayError } from '../core/errors.ts';
import { createLog, formatFor, LOG_OUTPUT } from './log.ts';
import { createOutputs, type Outputs } from './outputs.ts';
import { createScrub } from './scrub.ts';
import { throttledWarning } from './throttled.ts';

/** One action of a caller or an operator. It holds no prompt, key or signed URL. */
export interface AuditEntry {
  action: CallerAction | OperatorAction;
  /**
   * `replayed`: the idempotency key had created the job before. `refused`: for the reason in `code`. `failed`: by an
   * unexpected error, which is in the log.
   */
  outcome: 'accepted' | 'replayed' | 'done' | 'refused' | 'failed';
  /** The code of the error that was returned. */
  code?: string | undefined;
  caller: string;
  /** Whose the job was, where it was handed over. */
  from?: string | undefined;
  /** Whose it is now. */
  to?: string | undefined;
  requestId?: string | null | undefined;
  /** The peer address of the connection, or what a proxy of TRUSTED_PROXIES tells. */
  address?: string | undefined;
  jobId?: string | undefined;
  /** The id of the job that was run again. */
  retryOf?: string | undefined;
  workflow?: string | undefined;
  uploadId?: string | undefined;
  backend?: string | undefined;
  /** The API key that the caller proved itself by or was refused with, or that an operator made, rotated or revoked. */
  keyId?: string | undefined;
  /** The key that a new one takes the place of. */
  rotatedKeyId?: string | undefined;
  /** Whose key it is. */
  keyCaller?: string | undefined;
  /** The caller's, or that of an operator's key. */
  plan?: string | undefined;
  /** Why a caller's key was refused. */
  reason?: string | undefined;
}

type CallerAction = 'login' | 'generate' | 'retry' | 'cancel' | 'delete' | 'upload' | 'watch';
type OperatorAction =
  | 'retry'
  | 'assign'
  | 'drain'
  | 'resume'
  | 'forget'
  | 'addWorkflow'
  | 'createKey'
  | 'rotateKey'
  | 'revokeKey';

export interface Audit {
  /** Returns at once. When the entry cannot be written, a warning goes to the log. */
  record(entry: AuditEntry): void;
  /** Resolves when all entries so far are written or lost, after one second at the latest. */
  flushed(): Promise<void>;
}

export const noAudit: Audit = { record: () => undefined, flushed: async () => undefined };

export interface AuditOptions {
  /** `stdout`, `stderr`, or the path of a file that is appended to. */
  to: string;
  outputs: Pick<Outputs, 'open'>;
  log: Logger;
  now?: () => number;
}

/** Values of any other form are left out: a caller may have invented them, and they may hold any text. */
const HARMLESS = /^[\w.:@-]{1,128}$/;

/** Writes a JSON line for each action. Throws when the file cannot be opened. */
export function createAudit({ to, outputs, log, now = Date.now }: AuditOptions): Audit {
  const fault = throttledWarning(log, 'the audit log cannot be written: entries are lost');
  const timed = (entry: object) => `${JSON.stringify({ time: new Date(now()).toISOString(), ...entry })}\n`;
  const writer = outputs.open({
    to,
    gap: (lines, reason) => timed({ action: 'lost', lines, reason }),
    onFault: (error) => fault(error),
  });
  return {
    record(entry) {
      const harmless = Object.entries(entry).filter(([, value]) => typeof value === 'string' && HARMLESS.test(value));
      writer.write(timed(Object.fromEntries(harmless)));
    },
    flushed: () => writer.flushed(),
  };
}

/** Opens the audit log of the setting AUDIT_LOG; undefined means that there is none. Throws ConfigError. */
export function openAudit(to: string | undefined, { outputs, log }: Pick<AuditOptions, 'outputs' | 'log'>): Audit {
  if (to === undefined) return noAudit;
  try {
    return createAudit({ to, outputs, log });
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new ConfigError([`AUDIT_LOG: expected stdout, stderr or a file that can be written (${reason}), got ${to}`]);
  }
}

/**
 * Opens the audit log for a command. Standard output belongs to the command, so an audit log on stdout goes to stderr,
 * and so do warnings.
 */
export async function openCommandAudit(to: string | undefined): Promise<Audit> {
  const outputs = createOutputs();
  const destination = outputs.open(LOG_OUTPUT);
  const log = createLog({ level: 'warn', format: await formatFor(process.stderr), scrub: createScrub(), destination });
  return openAudit(to === 'stdout' ? 'stderr' : to, { outputs, log });
}

/** The part of an entry that is known when a call arrives. */
export type AuditedCall = Omit<AuditEntry, 'outcome' | 'code'>;

/** The outcome of a call, and the ids of what it has created. */
export type CallOutcome = Partial<AuditEntry> & Pick<AuditEntry, 'outcome'>;

/**
 * Runs a call that gets one entry in the audit log: the first that `work` records, otherwise `done`, or why the call
 * failed. An entry that `work` has recorded stays, also when the answer fails afterwards.
 */
export async function audited<T>(
  audit: Audit,
  { action, ...call }: AuditedCall,
  work: (record: (outcome: CallOutcome) => void) => Promise<T>,
): Promise<T> {
  let recorded = false;
  const record = (outcome: CallOutcome) => {
    if (!recorded) audit.record({ action, ...outcome, ...call });
    recorded = true;
  };
  try {
    const result = await work(record);
    record({ outcome: 'done' });
    return result;
  } catch (error) {
    record(outcomeOf(error));
    throw error;
  }
}

/** What became of a call that threw this. */
export function outcomeOf(error: unknown): Pick<AuditEntry, 'outcome' | 'code'> {
  return error instanceof GatewayError
    ? { outcome: 'refused', code: error.details.code }
    : { outcome: 'failed', code: 'INTERNAL' };
}
