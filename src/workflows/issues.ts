import type { InputIssue } from '../core/errors.ts';

/** Faults named in one answer; what is beyond would help nobody and could be made millions. */
export const MAX_ISSUES = 50;
const SHOWN_CHARACTERS = 40;

export type Path = readonly (string | number)[];

/** Collects the faults of one input, the first `MAX_ISSUES` of them. */
export interface IssueList {
  readonly found: InputIssue[];
  /** True once further faults would not be kept: time to stop looking. */
  readonly full: boolean;
  add(path: Path, code: string, message: string): void;
}

/** `lead` leads the paths of all issues. */
export function createIssueList(lead: Path): IssueList {
  const found: InputIssue[] = [];
  return {
    found,
    get full() {
      return found.length >= MAX_ISSUES;
    },
    add(path, code, message) {
      if (found.length < MAX_ISSUES) found.push({ path: [...lead, ...path], message, code });
    },
  };
}

/** What a value is, for a message: its kind and at most 40 characters of it. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string')
    return value.length > SHOWN_CHARACTERS ? `text of ${value.length} characters` : quote(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Text in quotes, cut to 40 characters, with everything escaped that could move a cursor or turn the writing direction. */
export function quote(text: string): string {
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS).toWellFormed()}…` : text;
  return JSON.stringify(shown).replace(/[\p{C}\u2028\u2029]/gu, (it) => `\\u{${it.codePointAt(0)?.toString(16)}}`);
}

/** A caller's own name for a field, as part of a path: it can be a megabyte. */
export function shorten(name: string): string {
  return name.length > 64 ? name.slice(0, 64).toWellFormed() : name;
}

/** What is wrong with a text wherever it stands: ends a C string early, or has no UTF-8. */
export function textFault(text: string): string | null {
  if (text.includes('\0')) return `expected text without NUL, got one at character ${text.indexOf('\0')}`;
  return text.isWellFormed() ? null : 'expected Unicode text, got half of a surrogate pair';
}
