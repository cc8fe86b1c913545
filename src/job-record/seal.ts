import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/**
 * Hides what a process must have, and nobody may read where it is kept: a caller's key for the worker of its job, what
 * requests are signed with. What was sealed for one job, or whatever else has an id, opens for no other.
 */
export interface Seal {
  close(text: string, id: string): string;
  /** Null for what was not sealed with the same secret, for this id. */
  open(sealed: string, id: string): string | null;
}

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** So that the secret, which signs addresses too, gives another key to each purpose: this is that of jobs. */
const PURPOSE = 'comfygate: keys of callers, for the workers of their jobs';

/** `secret`: what gateways and workers of the installation have in common. */
export function createSeal(secret: string, purpose = PURPOSE): Seal {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', purpose, KEY_BYTES));
  return {
    close(text, id) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(id));
      return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
        'base64',
      );
    },
    open(sealed, id) {
      const bytes = Buffer.from(sealed, 'base64');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(id)).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString();
      } catch {
        return null;
      }
    },
  };
}
