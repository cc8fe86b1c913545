import { newApiKey, signingSecretOf } from '../../src/callers/api-key.ts';
import type { StoredKey } from '../../src/callers/key-store.ts';
import { defaultScopes } from '../../src/callers/scopes.ts';
import { sha256 } from '../../src/core/canonical-json.ts';

/** A key with what is stored of it. */
export function storedKey(given: Partial<StoredKey> = {}): { text: string; signingSecret: string; key: StoredKey } {
  const { id, text } = newApiKey();
  const key: StoredKey = {
    ...{ id, caller: 'acme', name: 'Acme', plan: 'free', scopes: defaultScopes, hash: sha256(text) },
    ...{ createdAt: 0, expiresAt: null, revokedAt: null, lastUsedAt: null, signed: false, sealedSecret: null },
    ...given,
  };
  return { text, signingSecret: signingSecretOf(text), key };
}
