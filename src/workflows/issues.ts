import type { InputIssue, IssueCode, IssueHints } from '../core/errors.ts';

/** The most faults that one answer reports. More would not help the caller, and an attacker could cause millions. */
export const MAX_ISSUES = 50;
const SHOWN_CHARACTERS = 40;

export type Path = readonly (string | number)[];

/** Collects the first MAX_ISSUES faults of one input. */
export interface IssueList {
  readonly found: InputIssue[];
  /** True once the list holds MAX_ISSUES faults: callers can then stop checking. */
  readonly full: boolean;
  add(path: Path, code: IssueCode, message: string, hints?: IssueHints): void;
}

/** `prefix` is put before the paths of all issues. */
export function createIssueList(prefix: Path): IssueList {
  const found: InputIssue[] = [];
  return {
    found,
    get full() {
      return found.length >= MAX_ISSUES;
    },
    add(path, code, message, hints) {
      if (found.length < MAX_ISSUES) found.push({ path: [...prefix, ...path], message, code, ...hints });
    },
  };
}

/** Describes a value in a message: its kind, and at most 40 characters of it. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string')
    return value.length > SHOWN_CHARACTERS ? `text of ${value.length} characters` : quote(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/**
 * Puts text in quotes, cut to 40 characters. Characters that control a terminal or the writing direction are escaped.
 */
export function quote(text: string): string {
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS).toWellFormed()}…` : text;
  return JSON.stringify(shown).replace(/[\p{C}\u2028\u2029]/gu, (it) => `\\u{${it.codePointAt(0)?.toString(16)}}`);
}

/** Cuts a name in the path of an issue to 64 characters. Callers choose such names, and they can be a megabyte long. */
export function shorten(name: string): string {
  return name.length > 64 ? name.slice(0, 64).toWellFormed() : name;
}

/** Why a text is not allowed anywhere, or null: NUL would end a C string, and a lone surrogate has no UTF-8 form. */
export function textFault(text: string): string | null {
  if (text.includes('\0')) return `expected text without NUL, got one at character ${text.indexOf('\0')}`;
  return text.isWellFormed() ? null : 'expected Unicode text, got half of a surrogate pair';
}
