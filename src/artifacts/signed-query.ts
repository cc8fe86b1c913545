import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** What the addresses of the folder driver begin with, at the gateway that serves them. The key follows. */
export const ARTIFACTS_PATH = '/artifacts/';

/** What an address of the folder driver grants, all of it signed. */
export interface Grant {
  key: string;
  /** Seconds since 1970. */
  expires: number;
  disposition: 'inline' | 'attachment';
  filename: string;
}

/** The one file that an address of the folder driver takes, all of it signed. */
export interface UploadGrant {
  key: string;
  /** Seconds since 1970. */
  expires: number;
  /** Bytes, no more and no fewer. */
  size: number;
  type: string;
}

const integer = z
  .string()
  .regex(/^[1-9][0-9]{0,14}$/)
  .transform(Number);

const querySchema = z.strictObject({
  expires: integer,
  disposition: z.enum(['inline', 'attachment']),
  filename: z.string().max(512),
  signature: z.string().max(128),
});

const uploadQuerySchema = z.strictObject({
  expires: integer,
  size: integer,
  type: z.string().max(128),
  signature: z.string().max(128),
});

/** The key and the query of an address that begins with `path`; null for any other. */
export function parseAddress(path: string, url = ''): { key: string; query: URLSearchParams } | null {
  if (!url.startsWith(path)) return null;
  const [, key = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(url.slice(path.length)) ?? [];
  return { key, query: new URLSearchParams(query) };
}

/** The query of a signed address, without its question mark. */
export function signedQuery(grant: Grant, secret: string): string {
  const { expires, disposition, filename } = grant;
  const signature = signatureOf(grant, secret).toString('base64url');
  return new URLSearchParams({ expires: String(expires), disposition, filename, signature }).toString();
}

/** The same for an address that takes a file. */
export function signedUploadQuery(grant: UploadGrant, secret: string): string {
  const { expires, size, type } = grant;
  const signature = uploadSignatureOf(grant, secret).toString('base64url');
  return new URLSearchParams({ expires: String(expires), size: String(size), type, signature }).toString();
}

/**
 * The grant that a query carries for `key`, or null when it was altered, was made for another key or with another
 * secret, or is over. Every parameter once and no other, so that one object has one address.
 */
export function verifiedGrant(key: string, query: URLSearchParams, secret: string, nowMs: number): Grant | null {
  const parsed = parsedOnce(query, querySchema);
  if (parsed === null) return null;
  const { signature, ...rest } = parsed;
  const grant = { key, ...rest };
  return isSigned(signature, signatureOf(grant, secret)) && grant.expires * 1000 > nowMs ? grant : null;
}

/** The same for an address that takes a file. */
export function verifiedUploadGrant(
  key: string,
  query: URLSearchParams,
  secret: string,
  nowMs: number,
): UploadGrant | null {
  const parsed = parsedOnce(query, uploadQuerySchema);
  if (parsed === null) return null;
  const { signature, ...rest } = parsed;
  const grant = { key, ...rest };
  return isSigned(signature, uploadSignatureOf(grant, secret)) && grant.expires * 1000 > nowMs ? grant : null;
}

function parsedOnce<T extends object>(query: URLSearchParams, schema: z.ZodType<T>): T | null {
  const entries = [...query];
  const parsed = schema.safeParse(Object.fromEntries(entries));
  return parsed.success && entries.length === Object.keys(parsed.data).length ? parsed.data : null;
}

/** Compared as text, so that base64 that merely decodes to the same bytes is no second signature. */
function isSigned(signature: string, expected: Buffer): boolean {
  const given = Buffer.from(signature);
  const wanted = Buffer.from(expected.toString('base64url'));
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** JSON keeps the parts apart; its first word keeps this use of the secret apart from any other. */
function signatureOf({ key, expires, disposition, filename }: Grant, secret: string): Buffer {
  return hmac(['artifact-address-1', key, expires, disposition, filename], secret);
}

function uploadSignatureOf({ key, expires, size, type }: UploadGrant, secret: string): Buffer {
  return hmac(['upload-address-1', key, expires, size, type], secret);
}

function hmac(parts: (string | number)[], secret: string): Buffer {
  return createHmac('sha256', secret).update(JSON.stringify(parts)).digest();
}
