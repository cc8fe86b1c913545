import type { Logger } from 'pino';
import { createKeys } from '../jobs/keys.ts';
import { type AuditEntry, openCommandAudit } from '../observability/audit.ts';
import { operatorName } from '../operator-name.ts';
import { reachRedis } from '../operator-redis.ts';
import { closeRedis } from '../redis.ts';
import type { OperatorSession } from './cli.ts';
import { createRedisBackendOperator } from './redis-backends.ts';

export interface OpenOperatorOptions {
  url: string;
  prefix: string;
  log: Logger;
  /** As the setting AUDIT_LOG. */
  auditLog: string | undefined;
}

/** Rejects when Redis cannot be reached within five seconds; the message holds no password. */
export async function openOperator({ url, prefix, log, auditLog }: OpenOperatorOptions): Promise<OperatorSession> {
  const audit = openCommandAudit(auditLog, log);
  const redis = await reachRedis({ url, prefix, log });
  const operator = createRedisBackendOperator(redis, createKeys(prefix));
  const audited = (action: AuditEntry['action'], act: (name: string) => Promise<void>) => async (name: string) => {
    await act(name);
    audit.record({ action, outcome: 'done', caller: operatorName(), backend: name });
  };
  return {
    operator: { ...operator, drain: audited('drain', operator.drain), resume: audited('resume', operator.resume) },
    async [Symbol.asyncDispose]() {
      await audit.flushed();
      await closeRedis(redis);
    },
  };
}
