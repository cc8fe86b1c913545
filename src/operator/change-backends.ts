import { setTimeout as delay } from 'node:timers/promises';
import type { BackendOperator, BackendStatus, SeenBackend } from '../backends/backends.ts';
import { auditedAs, type Identity } from '../callers/identity.ts';
import { excerpt, GatewayError } from '../core/errors.ts';
import { type Audit, type AuditedCall, audited } from '../observability/audit.ts';
import { answered } from './answered.ts';

/** Who changes a server: a caller of the API, or an operator by a command. */
export type ChangedBy = Omit<AuditedCall, 'action' | 'backend'>;

/** The changes that operators make, each with an entry in the audit log. */
export type AuditedChanges = {
  [change in 'drain' | 'resume' | 'forget']: (by: ChangedBy, name: string) => Promise<void>;
};

/** All reject with NOT_FOUND for a server that no worker has reported. */
export function createAuditedChanges(operator: BackendOperator, audit: Audit): AuditedChanges {
  async function checkKnown(name: string): Promise<void> {
    const known = (await operator.known()).map((each) => each.name);
    if (known.includes(name)) return;
    const those = known.length > 0 ? `known are ${known.join(', ')}` : 'no worker has reported any yet';
    throw new GatewayError(`no server is named ${excerpt(name)}: ${those}`, { code: 'NOT_FOUND' });
  }

  const recorded = (action: keyof AuditedChanges) => (by: ChangedBy, name: string) =>
    audited(audit, { action, ...by, backend: name }, async () => {
      await checkKnown(name);
      await operator[action](name);
    });
  return { drain: recorded('drain'), resume: recorded('resume'), forget: recorded('forget') };
}

export interface ChangeRequest {
  identity: Identity;
  requestId: string;
  /** Where the call came from, for the audit log. */
  address?: string | undefined;
  name: string;
  /** Aborts when the client has left. */
  signal: AbortSignal;
}

/** What callers with the scope `admin` may do with servers. Rejects with GatewayError. */
export interface ChangeBackends {
  /** Resolves with the server once its workers have taken the change, or after WITHIN_MS as it is seen then. */
  drain(request: ChangeRequest): Promise<SeenBackend>;
  resume(request: ChangeRequest): Promise<SeenBackend>;
}

export interface ChangeBackendsOptions {
  operator: BackendOperator;
  audit: Audit;
  /** Called with the reason why a call was answered UNAVAILABLE. */
  onRedisDown: (error: unknown) => void;
}

/** Workers learn of it by a report, and say so by the next: each report is two seconds after the last. */
const WITHIN_MS = 5_000;
const PAUSE_MS = 100;

export function createChangeBackends({ operator, audit, onRedisDown }: ChangeBackendsOptions): ChangeBackends {
  const changes = createAuditedChanges(operator, audit);

  /** A server that is down stays so, drained or not. */
  async function seenAs(name: string, before: BackendStatus, signal: AbortSignal): Promise<SeenBackend> {
    const end = performance.now() + WITHIN_MS;
    for (;;) {
      const seen = (await operator.known()).find((each) => each.name === name);
      if (!seen) throw new GatewayError(`the server ${excerpt(name)} was forgotten meanwhile`, { code: 'NOT_FOUND' });
      // Nobody waits for the answer where the client has left.
      if (seen.status !== before || performance.now() > end || signal.aborted) return seen;
      await delay(PAUSE_MS);
    }
  }

  const change = (action: 'drain' | 'resume', before: BackendStatus) => (request: ChangeRequest) =>
    answered(onRedisDown, async () => {
      const { identity, requestId, address, name, signal } = request;
      await changes[action]({ ...auditedAs(identity), requestId, address }, name);
      return seenAs(name, before, signal);
    });
  return { drain: change('drain', 'UP'), resume: change('resume', 'DRAINING') };
}
