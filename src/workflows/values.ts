import type { IssueCode, IssueHints } from '../core/errors.ts';
import type { Json } from '../core/job.ts';
import type { WorkflowParameter } from './catalogue.ts';
import { checkFile } from './check-file.ts';
import { choiceHints, notAChoice } from './choices.ts';
import { createIssueList, describe, type Path, quote, textFault } from './issues.ts';

/** A fault of one value. `path` is relative to the value: it holds the index of an item of a list. */
export interface Fault {
  path: Path;
  code: IssueCode;
  message: string;
  hints?: IssueHints;
}

export type Checked = { ok: true; value: Json } | { ok: false; faults: Fault[] };
export type Check = (value: unknown) => Checked;

/** The bounds of a list's length. They are ignored for a parameter that is not a list. */
export interface ListLimits {
  minItems: number;
  maxItems: number;
}

/** Creates the check of a parameter's values. It is created once, so that limits are not read for each value. */
export function createCheck(parameter: WorkflowParameter, listLimits: ListLimits): Check {
  const item = itemCheck(parameter);
  return parameter.list ? listCheck(item, listLimits) : item;
}

function itemCheck(parameter: WorkflowParameter): Check {
  switch (parameter.type) {
    case 'STRING':
      return stringCheck(parameter.minLength ?? 0, parameter.maxLength ?? Number.POSITIVE_INFINITY);
    case 'INT':
    case 'SEED':
      return numberCheck(parameter, 'an integer');
    case 'FLOAT':
      return numberCheck(parameter, 'a number');
    case 'BOOLEAN':
      return (value) =>
        typeof value === 'boolean' ? accepted(value) : refused('invalid_type', 'true or false', value);
    case 'ENUM':
      return enumCheck((parameter.choices ?? []).map((choice) => choice.value));
    case 'MODEL':
      return modelCheck(parameter.maxLength ?? Number.POSITIVE_INFINITY);
    case 'FILE':
      return fileCheck;
  }
}

function numberCheck({ minimum, maximum, multipleOf }: WorkflowParameter, kind: 'an integer' | 'a number'): Check {
  const integral = kind === 'an integer';
  const expected = `${kind}${range(minimum, maximum)}${multipleOf === null ? '' : `, a multiple of ${multipleOf}`}`;
  const hints = { ...(minimum !== null && { minimum }), ...(maximum !== null && { maximum }) };
  return (value) => {
    const fault = (code: IssueCode) => refused(code, expected, value, hints);
    if (typeof value !== 'number' || !Number.isFinite(value)) return fault('invalid_type');
    if (minimum !== null && value < minimum) return fault('too_small');
    if (maximum !== null && value > maximum) return fault('too_big');
    if (integral && !Number.isInteger(value)) return fault('invalid_type');
    if (multipleOf !== null && !isMultiple(value, multipleOf)) return fault('not_multiple_of');
    // -0 becomes 0: they are equal, but a node could write the sign into a file.
    return accepted(value === 0 ? 0 : value);
  };
}

/** Allows rounding errors, since 0.3 is not an exact multiple of 0.1 in binary. */
function isMultiple(value: number, of: number): boolean {
  const times = value / of;
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times));
}

/** Length is counted in code points, as in JSON Schema, so that a simple emoji counts as one. */
function stringCheck(minLength: number, maxLength: number): Check {
  const expected = `text${lengthRange(minLength, maxLength)}`;
  const hints = { minimum: minLength, ...(maxLength !== Number.POSITIVE_INFINITY && { maximum: maxLength }) };
  return (value) => {
    if (typeof value !== 'string') return refused('invalid_type', expected, value);
    const fails = (code: IssueCode, got: string) => refusedWith(code, `expected ${expected}, got ${got}`, hints);
    if (isLonger(value, maxLength)) return fails('too_big', characters(value));
    if (minLength > 0 && value.trim() === '') return fails('too_small', value === '' ? 'none' : 'only white space');
    if (minLength > 1 && codePoints(value) < minLength) return fails('too_small', characters(value));
    const fault = textFault(value);
    return fault === null ? accepted(value) : refusedWith('invalid_string', fault);
  };
}

function enumCheck(names: string[]): Check {
  const known = new Set(names);
  return (value) => {
    if (typeof value !== 'string')
      return refused('invalid_type', `one of ${names.join(', ')}`, value, { choices: names });
    if (known.has(value)) return accepted(value);
    return refusedWith('not_a_choice', notAChoice(value, names), choiceHints(value, names));
  };
}

/** Checks the name of a model file, which may contain folders. Whether the file exists, only the servers know. */
export function modelCheck(maxLength: number): Check {
  const expected = `a model file's name of at most ${maxLength} characters`;
  return (value) => {
    if (typeof value !== 'string') return refused('invalid_type', expected, value);
    if (value.trim() === '') return refusedWith('too_small', `expected ${expected}, got none`);
    if (isLonger(value, maxLength)) return refusedWith('too_big', `expected ${expected}, got ${characters(value)}`);
    const outside = /^(?:[\\/]|[A-Za-z]:)/.test(value) || value.split(/[\\/]/).includes('..');
    if (outside || /\p{Cc}/u.test(value) || !value.isWellFormed()) {
      return refusedWith('invalid_string', `expected a model file's name below the models folder, got ${quote(value)}`);
    }
    return accepted(value);
  };
}

function fileCheck(value: unknown): Checked {
  const issues = createIssueList([]);
  const file = checkFile(value, [], issues);
  return file ? accepted(file) : { ok: false, faults: issues.found };
}

function listCheck(item: Check, { minItems, maxItems }: ListLimits): Check {
  const expected = `a list of ${minItems} to ${maxItems}`;
  return (value) => {
    if (!Array.isArray(value)) return refused('invalid_type', expected, value);
    const hints = { minimum: minItems, maximum: maxItems };
    if (value.length < minItems) return refused('too_small', expected, value, hints);
    if (value.length > maxItems) return refused('too_big', expected, value, hints);
    const faults: Fault[] = [];
    const values: Json[] = [];
    for (const [index, each] of value.entries()) {
      const checked = item(each);
      if (checked.ok) values.push(checked.value);
      else faults.push(...checked.faults.map((fault) => ({ ...fault, path: [index, ...fault.path] })));
    }
    return faults.length > 0 ? { ok: false, faults } : { ok: true, value: values };
  };
}

function accepted(value: Json): Checked {
  return { ok: true, value };
}

function refused(code: IssueCode, expected: string, value: unknown, hints?: IssueHints): Checked {
  return refusedWith(code, `expected ${expected}, got ${describe(value)}`, hints);
}

function refusedWith(code: IssueCode, message: string, hints?: IssueHints): Checked {
  return { ok: false, faults: [{ path: [], code, message, ...(hints && { hints }) }] };
}

/** Counts code points only where needed: each has one or two UTF-16 units, so often `text.length` is enough to know. */
function isLonger(text: string, maxLength: number): boolean {
  if (text.length <= maxLength) return false;
  return text.length > 2 * maxLength || codePoints(text) > maxLength;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function characters(text: string): string {
  return `${codePoints(text)} characters`;
}

function range(minimum: number | null, maximum: number | null): string {
  if (minimum !== null && maximum !== null) return ` from ${minimum} to ${maximum}`;
  if (minimum !== null) return ` of at least ${minimum}`;
  return maximum === null ? '' : ` of at most ${maximum}`;
}

function lengthRange(minLength: number, maxLength: number): string {
  if (minLength > 0 && maxLength !== Number.POSITIVE_INFINITY) return ` of ${minLength} to ${maxLength} characters`;
  if (maxLength !== Number.POSITIVE_INFINITY) return ` of at most ${maxLength} characters`;
  return minLength > 0 ? ` of at least ${minLength} characters` : '';
}
