/** Stands for a secret of any length. */
export const MASKED = '********';

/** An address, or a list of them, with its passwords masked: `redis://user:secret@host` and `/path?password=secret` alike. */
export function withoutPassword(addresses: string): string {
  return addresses.replace(/(\/\/[^:@/,]*):[^/,]*@/g, `$1:${MASKED}@`).replace(/([?&]password=)[^&]*/gi, `$1${MASKED}`);
}

/** The address of Redis with its passwords masked, whatever they hold: everything up to the last @ is the login. */
export function withoutRedisPassword(address: string): string {
  return address
    .replace(/^([^/]*\/\/[^:@/]*):.*@/, `$1:${MASKED}@`)
    .replace(/([?&](?:sentinel)?password=)[^&]*/gi, `$1${MASKED}`);
}
