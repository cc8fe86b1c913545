import { createHash } from 'node:crypto';
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { unavailable } from '../core/errors.ts';
import type { Identity } from './identity.ts';
import { createJwksFetch, JwksFault } from './jwks.ts';
import { type ClaimsMapping, identityOf } from './jwt-claims.ts';
import { refused } from './refusal.ts';

export interface JwtOptions extends ClaimsMapping {
  issuer: string;
  /** A token is for one of these. */
  audiences: readonly string[];
  /** https, or http on loopback. */
  jwksUrl: string;
  algorithms: readonly string[];
  /** What the clocks of the issuer and Redis may differ by. */
  clockSkewMs: number;
  /** Redis's clock. */
  now: () => number;
  /** Called where the issuer's keys could not be read. */
  onFault: (error: unknown) => void;
  /** Called with each time that they were. */
  onFetched?: () => void;
}

export interface JwtVerifier {
  /**
   * Whose token it is. At once where it was verified before. Throws UNAUTHENTICATED, and UNAVAILABLE while the issuer's
   * keys are needed and cannot be read.
   */
  verify(token: string): Identity | Promise<Identity>;
}

const FETCH_WITHIN_MS = 5_000;
/** A token whose key is unknown has the keys read again, at most so often. */
const UNKNOWN_KEY_EVERY_MS = 10_000;
/** Keys that the issuer has taken back are given up after so long. */
const REFRESH_EVERY_MS = 600_000;
/** The issuer may be away for so long without anybody noticing. */
const KEYS_LIFE_MS = 3_600_000;
/** About 1 KB each. */
const MAX_VERIFIED = 10_000;

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Verifies tokens of one issuer by the keys that it publishes. */
export function createJwtVerifier(options: JwtOptions): JwtVerifier {
  const { issuer, audiences, algorithms, clockSkewMs, now, onFault, onFetched } = options;
  /** By the SHA-256 of the token. */
  const verified = new LRUCache<string, Identity>({ max: MAX_VERIFIED });
  const keySet = createRemoteJWKSet(new URL(options.jwksUrl), {
    timeoutDuration: FETCH_WITHIN_MS,
    cooldownDuration: UNKNOWN_KEY_EVERY_MS,
    cacheMaxAge: KEYS_LIFE_MS,
    [customFetch]: createJwksFetch({
      onFault,
      onFetched: (changed) => {
        refreshAt = performance.now() + REFRESH_EVERY_MS;
        // One of the keys may be gone, and what was signed with it is worth nothing any more.
        if (changed) {
          verified.clear();
          keySets++;
        }
        onFetched?.();
      },
    }),
  });
  let refreshAt = Number.POSITIVE_INFINITY;
  /** How many there were. */
  let keySets = 0;

  function refresh(): void {
    if (performance.now() < refreshAt) return;
    refreshAt = performance.now() + UNKNOWN_KEY_EVERY_MS;
    // Reported where it is fetched.
    keySet.reload().catch(() => undefined);
  }

  async function check(token: string, hash: string): Promise<Identity> {
    const keys = keySets;
    const { payload } = await jwtVerify(token, keySet, {
      issuer,
      audience: [...audiences],
      algorithms: [...algorithms],
      clockTolerance: clockSkewMs / 1000,
      currentDate: new Date(now()),
      requiredClaims: ['exp'],
    }).catch((error: unknown) => {
      throw isKeysFault(error) ? unavailable('The keys of the issuer of tokens cannot be read.', 5, error) : why(error);
    });
    const identity = identityOf(payload, endOf(payload), options);
    if (!identity) throw refused('untrusted');
    if (keys === keySets) verified.set(hash, identity);
    return identity;
  }

  /** For as long as the token is taken, its skew included. */
  const endOf = ({ exp = 0 }: JWTPayload) => exp * 1000 + clockSkewMs;

  return {
    verify(token) {
      if (!COMPACT.test(token)) throw refused('malformed');
      refresh();
      const hash = createHash('sha256').update(token).digest('base64');
      const known = verified.get(hash);
      if (!known) return check(token, hash);
      if (known.expiresAt !== null && known.expiresAt > now()) return known;
      verified.delete(hash);
      throw refused('expired');
    },
  };
}

function isKeysFault(error: unknown): boolean {
  return error instanceof JwksFault || error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid;
}

function why(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return refused('expired', null, { cause: error });
  return error instanceof errors.JOSEError ? refused('untrusted', null, { cause: error }) : error;
}
