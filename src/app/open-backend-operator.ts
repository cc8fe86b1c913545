import type { Logger } from 'pino';
import type { BackendOperator } from '../backends/backends.ts';
import { createRedisBackendOperator } from '../backends/redis/redis-backends.ts';
import { GatewayError } from '../core/errors.ts';
import { type AuditEntry, audited, openCommandAudit } from '../observability/audit.ts';
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
  const audit = openCommandAudit(auditLog);
  const redis = await reachRedis({ url, prefix, log });
  const operator = createRedisBackendOperator(redis, createKeys(prefix));

  async function checkKnown(name: string) {
    const known = (await operator.known()).map((each) => each.name);
    if (known.includes(name)) return;
    const those = known.length > 0 ? `known are ${known.join(', ')}` : 'no worker has reported any yet';
    throw new GatewayError(`no server is named ${name}: ${those}`, { code: 'NOT_FOUND' });
  }

  const recorded = (action: AuditEntry['action'], change: (name: string) => Promise<void>) => (name: string) =>
    audited(audit, { action, caller: operatorName(), backend: name }, async () => {
      await checkKnown(name);
      await change(name);
    });
  return {
    operator: {
      ...operator,
      drain: recorded('drain', operator.drain),
      resume: recorded('resume', operator.resume),
      forget: recorded('forget', operator.forget),
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
