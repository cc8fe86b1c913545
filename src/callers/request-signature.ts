import { createHmac, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../core/errors.ts';
import { isApiKeyId } from './api-key.ts';
import type { KnownKey } from './key-directory.ts';
import { type KeyNews, MAX_NONCES, SIGNED_WITHIN_MS } from './key-store.ts';
import { refused } from './refusal.ts';

/** What a signed request brings. */
export interface SignedRequest {
  keyId: string;
  /** HMAC-SHA256 of `text` with the key's signing secret, in hex. */
  signature: string;
  /** When it was signed, in seconds since 1970. */
  timestamp: string;
  /** 16 to 64 letters, digits, - or _, another one for each request. */
  nonce: string;
  text: string;
}

/** Keeps a secret where it can be read by nobody. */
export interface SecretSeal {
  close(secret: string, keyId: string): string;
  /** Null for what was not sealed with the same secret, for this key. */
  open(sealed: string, keyId: string): string | null;
}

export interface SignatureCheck {
  isWellFormed(request: SignedRequest): boolean;
  /** In constant time. */
  isOf(key: KnownKey, request: SignedRequest): boolean;
  /** Throws UNAUTHENTICATED for a request that came before, or is of another time; RATE_LIMITED for too many. */
  takeOnce(key: KnownKey, request: SignedRequest): Promise<void>;
}

const SIGNATURE = /^[0-9a-f]{64}$/i;
const TIMESTAMP = /^\d{10}$/;
const NONCE = /^[\w-]{16,64}$/;

export interface SignatureCheckOptions {
  store: Pick<KeyNews, 'takeNonce'>;
  seal: Pick<SecretSeal, 'open'>;
  /** Redis's clock. */
  now: () => number;
}

/**
 * Checks signed requests. Each is taken once: its nonce is remembered for as long as its time would be taken, and after
 * that its time is not.
 */
export function createSignatureCheck({ store, seal, now }: SignatureCheckOptions): SignatureCheck {
  return {
    isWellFormed: ({ keyId, signature, timestamp, nonce }) =>
      isApiKeyId(keyId) && SIGNATURE.test(signature) && TIMESTAMP.test(timestamp) && NONCE.test(nonce),

    isOf({ id, sealedSecret }, { signature, text }) {
      const secret = sealedSecret === null ? null : seal.open(sealedSecret, id);
      if (secret === null) return false;
      return timingSafeEqual(createHmac('sha256', secret).update(text).digest(), Buffer.from(signature, 'hex'));
    },

    async takeOnce({ id }, { timestamp, nonce }) {
      if (Math.abs(Number(timestamp) * 1000 - now()) > SIGNED_WITHIN_MS) throw refused('replayed', id);
      const taken = await store.takeNonce(id, nonce);
      if (taken === 'replayed') throw refused('replayed', id);
      if (taken === 'taken') return;
      throw new GatewayError('Too many signed requests with this key: send fewer than 90 a second.', {
        ...{ code: 'RATE_LIMITED', retryAfter: 10, name: 'signedRequests', limit: MAX_NONCES, remaining: 0 },
      });
    },
  };
}
