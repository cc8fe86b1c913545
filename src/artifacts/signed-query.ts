import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** What an address of the folder driver grants, all of it signed. */
export interface Grant {
  key: string;
  /** Seconds since 1970. */
  expires: number;
  disposition: 'inline' | 'attachment';
  filename: string;
}

const querySchema = z.strictObject({
  expires: z
    .string()
    .regex(/^[1-9][0-9]{0,14}$/)
    .transform(Number),
  disposition: z.enum(['inline', 'attachment']),
  filename: z.string().max(512),
  signature: z.string().max(128),
});

/** The query of a signed address, without its question mark. */
export function signedQuery(grant: Grant, secret: string): string {
  const { expires, disposition, filename } = grant;
  const signature = signatureOf(grant, secret).toString('base64url');
  return new URLSearchParams({ expires: String(expires), disposition, filename, signature }).toString();
}

/**
 * The grant that a query carries for `key`, or null when it was altered, was made for another key or with another
 * secret, or is over. Every parameter once and no other, so that one object has one address.
 */
export function verifiedGrant(key: string, query: URLSearchParams, secret: string, nowMs: number): Grant | null {
  const entries = [...query];
  const parsed = querySchema.safeParse(Object.fromEntries(entries));
  if (!parsed.success || entries.length !== Object.keys(parsed.data).length) return null;
  const { signature, ...rest } = parsed.data;
  const grant = { key, ...rest };
  const expected = signatureOf(grant, secret);
  // Compared as text, so that base64 that merely decodes to the same bytes is no second signature.
  const given = Buffer.from(signature);
  const wanted = Buffer.from(expected.toString('base64url'));
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null;
  return grant.expires * 1000 > nowMs ? grant : null;
}

/** JSON keeps the parts apart; its first word keeps this use of the secret apart from any other. */
function signatureOf({ key, expires, disposition, filename }: Grant, secret: string): Buffer {
  const signed = JSON.stringify(['artifact-address-1', key, expires, disposition, filename]);
  return createHmac('sha256', secret).update(signed).digest();
}
