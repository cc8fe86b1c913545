import { GatewayError } from '../core/errors.ts';
import type { Audit, AuditEntry } from '../observability/audit.ts';
import type { AcceptJob } from './accept-job.ts';

type Asked = Pick<AuditEntry, 'caller' | 'requestId' | 'workflow' | 'jobId' | 'retryOf'>;
type Key = { requestId: string; idempotencyKey: string };

/** Puts into the audit log what callers do with jobs: one entry for each call, whatever transport it came by. */
export function createJobAudit(audit: Audit) {
  /** Calls whose job is accepted and told; their answer may be held for long, and may then fail. */
  const told = new Set<string>();
  const keyOf = ({ requestId, idempotencyKey }: Key) => `${requestId} ${idempotencyKey}`;

  async function tellRefusal<T>(action: AuditEntry['action'], asked: Asked, key: Key | null, call: () => Promise<T>) {
    try {
      return await call();
    } catch (error) {
      if (key === null || !told.has(keyOf(key))) {
        const known = error instanceof GatewayError;
        const outcome = known ? 'refused' : 'failed';
        audit.record({ action, outcome, code: known ? error.details.code : 'INTERNAL', ...asked });
      }
      throw error;
    } finally {
      if (key) told.delete(keyOf(key));
    }
  }

  return {
    /** At once when record and queue hold the job. */
    acceptance(accept: AcceptJob): AcceptJob {
      return async (asked, path) => {
        const accepted = await accept(asked, path);
        const { job, replayed } = accepted;
        told.add(keyOf(asked));
        audit.record({
          action: asked.retryOf === null ? 'generate' : 'retry',
          outcome: replayed ? 'replayed' : 'accepted',
          caller: asked.caller,
          requestId: asked.requestId,
          jobId: job.id,
          workflow: job.workflow,
          ...(asked.retryOf === null ? {} : { retryOf: asked.retryOf }),
        });
        return accepted;
      };
    },
    /** A call that makes a job: what is refused is told here. */
    making: <T>(action: 'generate' | 'retry', asked: Asked, key: Key, call: () => Promise<T>) =>
      tellRefusal(action, asked, key, call),
    /** A call that changes one. */
    async changing<T>(action: 'cancel' | 'delete', asked: Asked, call: () => Promise<T>): Promise<T> {
      const result = await tellRefusal(action, asked, null, call);
      audit.record({ action, outcome: 'done', ...asked });
      return result;
    },
  };
}
