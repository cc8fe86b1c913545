import type { Redis } from 'ioredis';
import { type AuthenticationResult, type Authenticator, createAuthenticator } from '../callers/authenticator.ts';
import type { Identity, Scope } from '../callers/identity.ts';
import type { JwtVerifier } from '../callers/jwt.ts';
import { createKeyDirectory, type KeyDirectory } from '../callers/key-directory.ts';
import { createRedisKeys } from '../callers/redis/redis-keys.ts';
import { createSignatureCheck } from '../callers/request-signature.ts';
import { EXPECTED_SCOPE, isScope } from '../callers/scopes.ts';
import { createSessions, type Sessions } from '../callers/sessions.ts';
import { type Config, ConfigError } from '../config/config.ts';
import { createSeal } from '../job-record/seal.ts';
import { throttledWarning } from '../observability/throttled.ts';
import { untilAnswered } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { commonSecret, type ProcessContext } from './process-context.ts';

export interface OpenCallersOptions {
  redis: Redis;
  keys: Keys;
  /** Redis's clock. */
  now: () => number;
  onRedisDown: (error: unknown) => void;
  onResult: (result: AuthenticationResult) => void;
  readWatchToken: (token: string) => Identity | null;
}

export interface Callers {
  authenticator: Authenticator;
  sessions: Sessions;
}

/** What signing secrets of API keys are sealed for. */
export const SIGNING_SECRETS = 'comfygate: signing secrets of API keys';

/** Opens what tells callers apart, as AUTH says. Waits until Redis answers where there are API keys. */
export async function openCallers(
  config: Config,
  context: ProcessContext,
  { redis, keys, now, onRedisDown, ...options }: OpenCallersOptions,
): Promise<Callers> {
  const { log, shutdown } = context;
  const auth = config.http.auth ?? ['none'];
  const onFault = throttledWarning(log, 'changes of API keys could not be read from redis');
  const store = createRedisKeys(redis, keys);
  let directory: KeyDirectory | undefined;
  if (auth.includes('keys')) {
    const opened = createKeyDirectory({ store, now, onFault, onLooked: onFault.over });
    await untilAnswered(redis, log, opened.start);
    shutdown.add('API keys', opened.close);
    directory = opened;
  }
  const seal = createSeal(commonSecret(config, context), SIGNING_SECRETS);
  const signatures = createSignatureCheck({ store, seal, now });
  const authenticator = createAuthenticator({
    ...options,
    now,
    onRedisDown,
    keys: directory && { directory, signatures },
    jwt: auth.includes('jwt') ? await openJwt(config, context, now) : undefined,
  });
  return { authenticator, sessions: createSessions({ directory, now, onFault }) };
}

/** What verifies tokens is loaded only where there are some. */
async function openJwt({ jwt }: Config, { log }: ProcessContext, now: () => number): Promise<JwtVerifier | undefined> {
  if (!jwt) return undefined;
  const defaultScopes = jwt.defaultScopes.filter((scope): scope is Scope => isScope(scope));
  if (defaultScopes.length < jwt.defaultScopes.length) {
    throw new ConfigError([`JWT_DEFAULT_SCOPES: expected ${EXPECTED_SCOPE}, got ${jwt.defaultScopes.join(',')}`]);
  }
  const onFault = throttledWarning(log, 'the keys of the issuer of JWTs could not be read');
  const { createJwtVerifier } = await import('../callers/jwt.ts');
  return createJwtVerifier({ ...jwt, defaultScopes, now, onFault, onFetched: onFault.over });
}
