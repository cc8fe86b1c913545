import { jobOfArtifact } from '../core/artifact-id.ts';
import { type FileKind, type FileSource, fileKinds } from '../core/file-source.ts';
import { isObject } from '../core/objects.ts';
import { isUuid } from '../core/uuid.ts';
import { describe, type IssueList, type Path, quote, shorten } from './issues.ts';

const MAX_URL_LENGTH = 2048;

const FIELDS = ['upload', 'url', 'artifact'] as const;
const fieldOf = (name: string) => FIELDS.find((field) => field === name);

/**
 * Parses a caller's input file, `{upload}`, `{url}` or `{artifact}`. Faults are added to `issues` under `path`, and the
 * result is then null. Whether the upload or artifact exists, and where the URL leads, is checked later.
 */
export function checkFile(value: unknown, path: Path, issues: IssueList): FileSource | null {
  if (!isObject(value)) {
    issues.add(path, 'invalid_type', `expected {upload}, {url} or {artifact}, got ${describe(value)}`);
    return null;
  }
  const given = Object.keys(value).filter((key) => value[key] !== null && value[key] !== undefined);
  const unknown = given.find((key) => !fieldOf(key));
  if (unknown !== undefined) {
    const message = `${quote(unknown)} is not a field; there are ${FIELDS.join(', ')}`;
    issues.add([...path, shorten(unknown)], 'unknown_field', message);
    return null;
  }
  const [field, ...others] = given.flatMap((key) => fieldOf(key) ?? []);
  if (field === undefined || others.length > 0) {
    const got = field === undefined ? 'none' : [field, ...others].join(' and ');
    issues.add(path, 'one_of', `expected exactly one of ${FIELDS.join(', ')}, got ${got}`);
    return null;
  }
  const source = value[field];
  const fault = FAULTS[field](source);
  if (fault !== null || typeof source !== 'string') {
    issues.add([...path, field], typeof source === 'string' ? 'invalid_string' : 'invalid_type', fault ?? '');
    return null;
  }
  if (field === 'url') return { url: source };
  return field === 'upload' ? { upload: source.toLowerCase() } : { artifact: source.toLowerCase() };
}

/** Parses a FileKind, as the API or as the parameters of a job have it; null for anything else. */
export function toFileKind(value: unknown): FileKind | null {
  return fileKinds.find((kind) => kind === value || kind.toUpperCase() === value) ?? null;
}

function uploadFault(value: unknown): string | null {
  if (typeof value === 'string' && isUuid(value)) return null;
  return `expected the id of an upload, got ${describe(value)}`;
}

function artifactFault(value: unknown): string | null {
  if (typeof value === 'string' && jobOfArtifact(value) !== null) return null;
  return `expected the id of an artifact, got ${describe(value)}`;
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

const FAULTS = { upload: uploadFault, url: urlFault, artifact: artifactFault } as const;
