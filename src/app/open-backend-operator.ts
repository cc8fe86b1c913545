import type { Logger } from 'pino';
import type { BackendOperator } from '../backends/backends.ts';
import { createRedisBackendOperator } from '../backends/redis/redis-backends.ts';
import { openCommandAudit } from '../observability/audit.ts';
import { createAuditedChanges } from '../operator/change-backends.ts';
import { closeRedis } from '../redis/connection.ts';
import { createKeys } from '../redis/keys.ts';
import { operatorName } from './operator-name.ts';
import { reachRedis } from './operator-redis.ts';

export interface OpenBackendOperatorOptions {
  url: string;
  prefix: string;
  log: Logger;
  /** The setting AUDIT_LOG. */
  auditLog: string | undefined;
}

/** Rejects when Redis cannot be reached within five seconds; the message holds no password. */
export async function openBackendOperator({
  url,
  prefix,
  log,
  auditLog,
}: OpenBackendOperatorOptions): Promise<OperatorSession> {
  const audit = await openCommandAudit(auditLog);
  const redis = await reachRedis({ url, prefix, log });
  const operator = createRedisBackendOperator(redis, createKeys(prefix));

  const changes = createAuditedChanges(operator, audit);
  const by = { caller: operatorName() };
  return {
    operator: {
      ...operator,
      drain: (name) => changes.drain(by, name),
      resume: (name) => changes.resume(by, name),
      forget: (name) => changes.forget(by, name),
    },
    async [Symbol.asyncDispose]() {
      await audit.flushed();
      await closeRedis(redis);
    },
  };
}

export interface OperatorSession extends AsyncDisposable {
  /** Its `drain`, `resume` and `forget` reject with NOT_FOUND for a server that no worker has reported. */
  operator: BackendOperator;
}
