import { AsyncLocalStorage } from 'node:async_hooks';
import { type Audit, type AuditEntry, outcomeOf } from '../observability/audit.ts';
import type { AcceptJob } from './accept-job.ts';

type Asked = Pick<AuditEntry, 'caller' | 'requestId' | 'address' | 'workflow' | 'jobId' | 'retryOf'>;
/** Puts into the audit log what callers do with jobs: one entry for each call, whatever transport it came by. */
export function createJobAudit(audit: Audit) {
  /** The call under way: once its job is accepted it is told, and its answer may be held for long, and may then fail. */
  const calls = new AsyncLocalStorage<{ address: string | undefined; told: boolean }>();

  async function tellRefusal<T>(action: AuditEntry['action'], asked: Asked, act: () => Promise<T>) {
    const call = { address: asked.address, told: false };
    try {
      return await calls.run(call, act);
    } catch (error) {
      if (!call.told) audit.record({ action, ...outcomeOf(error), ...asked });
      throw error;
    }
  }

  return {
    /** At once when record and queue hold the job. */
    acceptance(accept: AcceptJob): AcceptJob {
      return async (asked, path) => {
        const accepted = await accept(asked, path);
        const { job, replayed } = accepted;
        const call = calls.getStore();
        if (call) call.told = true;
        audit.record({
          action: asked.retryOf === null ? 'generate' : 'retry',
          outcome: replayed ? 'replayed' : 'accepted',
          caller: asked.caller,
          requestId: asked.requestId,
          address: call?.address,
          jobId: job.id,
          workflow: job.workflow,
          ...(asked.retryOf === null ? {} : { retryOf: asked.retryOf }),
        });
        return accepted;
      };
    },
    /** A call that makes a job: what is refused is told here. */
    making: <T>(action: 'generate' | 'retry', asked: Asked, call: () => Promise<T>) => tellRefusal(action, asked, call),
    /** A call that changes one. */
    async changing<T>(action: 'cancel' | 'delete', asked: Asked, call: () => Promise<T>): Promise<T> {
      const result = await tellRefusal(action, asked, call);
      audit.record({ action, outcome: 'done', ...asked });
      return result;
    },
  };
}
