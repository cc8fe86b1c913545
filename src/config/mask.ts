/** Stands for a secret of any length. */
export const MASKED = '********';

/** An address, or a list of them, with its passwords masked: `redis://user:secret@host` and `/path?password=secret` alike. */
export function withoutPassword(addresses: string): string {
  return addresses.replace(/(\/\/[^:@/,]*):[^/,]*@/g, `$1:${MASKED}@`).replace(/([?&]password=)[^&]*/gi, `$1${MASKED}`);
}
