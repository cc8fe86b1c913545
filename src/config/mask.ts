/** Replaces a secret of any length. */
export const MASKED = '********';

/**
 * Masks the secrets in a list of addresses: passwords in the login (`//user:secret@host`), a login that is nothing but
 * a key (`//secret@host`), and whatever is in the query (`?api-key=secret`).
 */
export function withoutPassword(addresses: string): string {
  return addresses
    .replace(/(\/\/[^:@/,]*):[^/,]*@/g, `$1:${MASKED}@`)
    .replace(/(\/\/)[^:@/,?#]+@/g, `$1${MASKED}@`)
    .replace(/([?&][^=&#,]*=)[^&#,]*/g, `$1${MASKED}`);
}

/** Masks the passwords in a Redis address. A password may hold any character, so the login ends at the last @. */
export function withoutRedisPassword(address: string): string {
  return address
    .replace(/^([^/]*\/\/[^:@/]*):.*@/, `$1:${MASKED}@`)
    .replace(/([?&](?:sentinel)?password=)[^&]*/gi, `$1${MASKED}`);
}
