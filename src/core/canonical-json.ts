import { hash } from 'node:crypto';
import type { Json } from './job.ts';

/**
 * The one text of a JSON value: keys sorted by UTF-16 code unit, no white space, numbers and strings as JSON.stringify
 * writes them (RFC 8785). Values that are equal as JSON have equal texts and others do not; -0 is 0. Throws on what
 * JSON does not have (NaN, undefined, functions), since a text without it would equal that of another value.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} is not a JSON value`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} is not a JSON value`);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

/** SHA-256 of a text's UTF-8 bytes, in lower-case hex. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}
