import { type FileKind, fileKinds } from '../core/file-source.ts';
import { isObject } from '../core/objects.ts';
import { isUuid } from '../core/uuid.ts';
import { describe, type IssueList, type Path, quote, shorten } from './issues.ts';

const MAX_URL_LENGTH = 2048;

/**
 * Parses a caller's input file, `{upload}` or `{url}`. Faults are added to `issues` under `path`, and the result is
 * then null. Whether the upload exists, and where the URL leads, is checked later.
 */
export function checkFile(value: unknown, path: Path, issues: IssueList): { upload: string } | { url: string } | null {
  if (!isObject(value)) {
    issues.add(path, 'invalid_type', `expected {upload} or {url}, got ${describe(value)}`);
    return null;
  }
  const given = Object.keys(value).filter((key) => value[key] !== null && value[key] !== undefined);
  const unknown = given.find((key) => key !== 'upload' && key !== 'url');
  if (unknown !== undefined) {
    issues.add([...path, shorten(unknown)], 'unknown_field', `${quote(unknown)} is not a field; there are upload, url`);
    return null;
  }
  const [field, ...others] = given;
  if (field === undefined || others.length > 0) {
    issues.add(
      path,
      'one_of',
      `expected exactly one of upload and url, got ${field === undefined ? 'neither' : 'both'}`,
    );
    return null;
  }
  const source = value[field];
  const fault = field === 'upload' ? uploadFault(source) : urlFault(source);
  if (fault !== null || typeof source !== 'string') {
    issues.add([...path, field], typeof source === 'string' ? 'invalid_string' : 'invalid_type', fault ?? '');
    return null;
  }
  return field === 'upload' ? { upload: source.toLowerCase() } : { url: source };
}

/** Parses a FileKind, as the API or as the parameters of a job have it; null for anything else. */
export function toFileKind(value: unknown): FileKind | null {
  return fileKinds.find((kind) => kind === value || kind.toUpperCase() === value) ?? null;
}

function uploadFault(value: unknown): string | null {
  if (typeof value === 'string' && isUuid(value)) return null;
  return `expected the id of an upload, got ${describe(value)}`;
}

function urlFault(value: unknown): string | null {
  const expected = 'expected an https address';
  if (typeof value !== 'string') return `${expected}, got ${describe(value)}`;
  if (value.length > MAX_URL_LENGTH) return `${expected} of at most ${MAX_URL_LENGTH} characters, got ${value.length}`;
  // The URL parser would silently remove these characters.
  if (/[\s\p{C}]/u.test(value)) return `${expected} without white space or control characters`;
  const url = URL.parse(value);
  // http is allowed only for origins that the configuration names. That is checked later, for the whole job.
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '') return `${expected}, got ${describe(value)}`;
  // The message does not repeat the URL, since it holds a password.
  return url.username === '' && url.password === '' ? null : `${expected} without user name and password`;
}
