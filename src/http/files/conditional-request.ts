import type { IncomingMessage } from 'node:http';
import fresh from 'fresh';
import type { ByteRange } from '../../artifacts/artifact-store.ts';

/** What tells one state of a file from another, as its headers say it. */
export interface Validators {
  ETag?: string;
  'Last-Modified'?: string;
}

/**
 * Whether the client has the file already, by If-None-Match or else If-Modified-Since. Its Cache-Control does not
 * count: what an address leads to never changes.
 */
export function isFresh({ headers }: IncomingMessage, validators: Validators): boolean {
  const { 'if-none-match': noneMatch, 'if-modified-since': modifiedSince } = headers;
  return fresh(
    { 'if-none-match': noneMatch, 'if-modified-since': modifiedSince },
    { etag: validators.ETag, 'last-modified': validators['Last-Modified'] },
  );
}

/**
 * The part that is asked for of a file of `sizeBytes`; null for all of it. The rest of a file that is no longer the
 * same must not be put behind its beginning, so an If-Range must name its state as it is now; weak tags never do.
 */
export function requestedRange(
  { headers }: IncomingMessage,
  validators: Validators,
  sizeBytes: number,
): ByteRange | 'unsatisfiable' | null {
  const condition = headers['if-range'];
  const applies = condition === undefined || Object.values(validators).includes(condition);
  return applies ? byteRange(headers.range, sizeBytes) : null;
}

/**
 * The one range that a Range header asks for. Null where there is no header, or it is malformed, as `5-2` is, or asks
 * for several ranges, which a server may ignore (RFC 9110, 14.2). The last 500 of 100 bytes are all of them.
 */
export function byteRange(header: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | null {
  const match = /^bytes=\s*(\d{0,16})-(\d{0,16})\s*$/i.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return null;
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return null;
  if (start >= sizeBytes) return 'unsatisfiable';
  return { start, end: last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
}
