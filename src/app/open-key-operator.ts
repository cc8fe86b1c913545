import type { Logger } from 'pino';
import type { ApiKey } from '../callers/key-store.ts';
import { createKeyOperator, type KeyOperator } from '../callers/keys.ts';
import { createRedisKeys } from '../callers/redis/redis-keys.ts';
import type { SecretSeal } from '../callers/request-signature.ts';
import { type Config, ConfigError } from '../config/config.ts';
import { readSigningSecret } from '../embedded/data-dir.ts';
import { createSeal } from '../job-record/seal.ts';
import { type AuditEntry, audited, type CallOutcome, openCommandAudit } from '../observability/audit.ts';
import { closeRedis } from '../redis/connection.ts';
import { createKeys } from '../redis/keys.ts';
import { SIGNING_SECRETS } from './open-callers.ts';
import { operatorName } from './operator-name.ts';
import { reachRedis } from './operator-redis.ts';
import { commonSecret } from './process-context.ts';

export interface KeySession extends AsyncDisposable {
  operator: KeyOperator;
}

/** Opens what `comfygate keys` needs. Rejects when Redis cannot be reached within five seconds. */
export async function openKeyOperator(config: Config, redisUrl: string, log: Logger): Promise<KeySession> {
  const signingSecret = (await readSigningSecret(config.folder.dataDir)) ?? '';
  const secret = commonSecret(config, { signingSecret });
  const seal = secret === '' ? noSeal : createSeal(secret, SIGNING_SECRETS);
  const audit = await openCommandAudit(config.auditLog);
  const { prefix } = config.redis;
  const redis = await reachRedis({ url: redisUrl, prefix, log });
  const operator = createKeyOperator(createRedisKeys(redis, createKeys(prefix)), seal);

  const recorded = <T>(
    action: AuditEntry['action'],
    facts: Partial<AuditEntry>,
    work: (record: (outcome: CallOutcome) => void) => Promise<T>,
  ) => audited(audit, { action, caller: operatorName(), ...facts }, work);

  return {
    operator: {
      ...operator,
      create: (request) =>
        recorded('createKey', { keyCaller: request.caller, plan: request.plan }, async (record) => {
          const made = await operator.create(request);
          record({ outcome: 'done', ...factsOf(made.key) });
          return made;
        }),
      rotate: (id, options) =>
        recorded('rotateKey', { rotatedKeyId: id }, async (record) => {
          const made = await operator.rotate(id, options);
          record({ outcome: 'done', ...factsOf(made.key) });
          return made;
        }),
      revoke: (id) =>
        recorded('revokeKey', { keyId: id }, async (record) => {
          const key = await operator.revoke(id);
          record({ outcome: 'done', ...factsOf(key) });
          return key;
        }),
    },
    async [Symbol.asyncDispose]() {
      await audit.flushed();
      await closeRedis(redis);
    },
  };
}

const factsOf = ({ id, caller, plan }: ApiKey) => ({ keyId: id, keyCaller: caller, plan });

const noSeal: SecretSeal = {
  close() {
    throw new ConfigError([
      'SIGNING_SECRET: expected the value that gateways have, which seals what requests are signed with',
    ]);
  },
  open: () => null,
};
