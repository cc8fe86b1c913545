/** Replaces a secret of any length. */
export const MASKED = '********';

/**
 * Masks the passwords in a list of addresses: in the login (`//user:secret@host`) and in the query
 * (`?password=secret`).
 */
export function withoutPassword(addresses: string): string {
  return addresses.replace(/(\/\/[^:@/,]*):[^/,]*@/g, `$1:${MASKED}@`).replace(/([?&]password=)[^&]*/gi, `$1${MASKED}`);
}

/** Masks the passwords in a Redis address. A password may hold any character, so the login ends at the last @. */
export function withoutRedisPassword(address: string): string {
  return address
    .replace(/^([^/]*\/\/[^:@/]*):.*@/, `$1:${MASKED}@`)
    .replace(/([?&](?:sentinel)?password=)[^&]*/gi, `$1${MASKED}`);
}
