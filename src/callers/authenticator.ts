import { timingSafeEqual } from 'node:crypto';
import { sha256 } from '../core/canonical-json.ts';
import { unavailable } from '../core/errors.ts';
import { isRedisDown, whyRedisFails } from '../redis/is-down.ts';
import { looksLikeApiKey, parseApiKey } from './api-key.ts';
import type { Identity } from './identity.ts';
import type { JwtVerifier } from './jwt.ts';
import type { KeyDirectory, KnownKey } from './key-directory.ts';
import { type RefusalReason, refusalOf, refused } from './refusal.ts';
import type { SignatureCheck } from './request-signature.ts';

/** What somebody brings to say who he is. */
export type Credentials =
  /** An API key or a JWT. */
  | { kind: 'bearer'; token: string }
  /** A watch token. */
  | { kind: 'watch'; token: string }
  /** A request that was signed with a key. `text`: what was signed, the timestamp and the nonce within it. */
  | { kind: 'signed'; keyId: string; signature: string; timestamp: string; nonce: string; text: string };

export interface Authenticator {
  /**
   * Throws GatewayError UNAUTHENTICATED, always with the same message, whatever is wrong, with a Refusal as its cause;
   * UNAVAILABLE when Redis or the keys of JWTs are needed and away. Answers at once where the answer is known already.
   */
  authenticate(credentials: Credentials): Identity | Promise<Identity>;
}

/** `failed`: UNAVAILABLE, or too many signed requests. */
export type AuthenticationResult = 'ok' | 'failed' | RefusalReason;

export interface AuthenticatorOptions {
  /** Redis's clock. */
  now: () => number;
  /** Undefined: API keys are not taken. */
  keys?: { directory: KeyDirectory; signatures: SignatureCheck } | undefined;
  /** Undefined: JWTs are not taken. */
  jwt?: JwtVerifier | undefined;
  /** Null for what is no watch token of this installation, or one that has ended. */
  readWatchToken: (token: string) => Identity | null;
  /** Called with each attempt. */
  onResult?: (result: AuthenticationResult) => void;
  /** Called with the reason why an attempt was answered UNAVAILABLE. */
  onRedisDown: (error: unknown) => void;
}

/** Longer tokens are refused before anything is done with them. */
const MAX_TOKEN_LENGTH = 8_192;

/** Finds out who calls by a key, a token or a signature. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { now, keys, jwt, readWatchToken, onResult, onRedisDown } = options;

  function lives(key: KnownKey | null): KnownKey {
    if (!key) throw refused('unknown');
    const at = now();
    if (key.endsAt > at) return key;
    throw refused(key.revokedAt !== null && key.revokedAt <= at ? 'revoked' : 'expired', key.id);
  }

  function byKey(key: KnownKey | null, token: string): Identity {
    // Those that are not its own learn nothing of it.
    if (!key || !timingSafeEqual(Buffer.from(sha256(token), 'hex'), key.digest)) throw refused('unknown');
    if (lives(key).signed) throw refused('not_signed', key.id);
    keys?.directory.used(key);
    return key.identity;
  }

  function bearer(token: string): Identity | Promise<Identity> {
    if (!looksLikeApiKey(token)) {
      if (!jwt) throw refused('malformed');
      return jwt.verify(token);
    }
    const parsed = keys ? parseApiKey(token) : 'malformed';
    if (!keys || parsed === 'malformed') throw refused('malformed');
    const found = keys.directory.get(parsed.id);
    return found instanceof Promise ? found.then((key) => byKey(key, token)) : byKey(found, token);
  }

  async function signed(credentials: Extract<Credentials, { kind: 'signed' }>): Promise<Identity> {
    if (!keys?.signatures.isWellFormed(credentials)) throw refused('malformed');
    const key = await keys.directory.get(credentials.keyId);
    if (key && !key.signed) throw refused('not_signed', key.id);
    // The signature first: who has none learns nothing of the key, and uses up no nonce of it.
    if (!key || !keys.signatures.isOf(key, credentials)) throw refused('unknown');
    await keys.signatures.takeOnce(lives(key), credentials);
    keys.directory.used(key);
    return key.identity;
  }

  /** It ends with the key that made it. */
  function watch(token: string): Identity | Promise<Identity> {
    const identity = readWatchToken(token);
    if (!identity) throw refused('malformed');
    if (identity.keyId === null) return identity;
    if (!keys) throw refused('malformed', identity.keyId);
    const found = keys.directory.get(identity.keyId);
    if (found instanceof Promise) return found.then((key) => lives(key) && identity);
    return lives(found) && identity;
  }

  function find(credentials: Credentials): Identity | Promise<Identity> {
    if (credentials.kind === 'signed') return signed(credentials);
    const { kind, token } = credentials;
    if (token.length > MAX_TOKEN_LENGTH) throw refused('malformed');
    return kind === 'watch' ? watch(token) : bearer(token);
  }

  function fail(error: unknown): never {
    const refusal = refusalOf(error);
    onResult?.(refusal?.reason ?? 'failed');
    if (!isRedisDown(error)) throw error;
    onRedisDown(error);
    throw unavailable(whyRedisFails(error), 2, error);
  }

  function succeed(identity: Identity): Identity {
    onResult?.('ok');
    return identity;
  }

  return {
    authenticate(credentials) {
      try {
        const identity = find(credentials);
        return identity instanceof Promise ? identity.then(succeed, fail) : succeed(identity);
      } catch (error) {
        return fail(error);
      }
    },
  };
}
