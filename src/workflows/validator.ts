import type { Json } from '../core/job.ts';
import { own } from '../core/objects.ts';
import type { ParsedInput, Workflow, WorkflowParameter } from './catalogue.ts';
import { suggestionOf } from './choices.ts';
import { createIssueList, type IssueList, quote, shorten } from './issues.ts';
import type { ManifestConstraint } from './manifest.ts';
import type { Check, ListLimits } from './values.ts';

const PIXELS_PER_MEGAPIXEL = 1_000_000;

export interface ValidatorOptions {
  /** In the order of the manifest, which is also the order of the parsed parameters. */
  fields: { parameter: WorkflowParameter; check: Check; listLimits: ListLimits }[];
  constraints: ManifestConstraint[];
  /** The limit of an image's size, in millions of pixels. */
  maxMegapixels: number;
}

/**
 * Creates a workflow's `parse` and `complete` (see `Workflow`). Work that does not depend on the input is done once,
 * here.
 */
export function createValidator({
  fields,
  constraints,
  maxMegapixels,
}: ValidatorOptions): Pick<Workflow, 'parse' | 'complete'> {
  const names = fields.map((field) => field.parameter.name);
  const known = new Set(names);

  /** Reads a property of an input, never one of its prototype; null where it is absent. */
  const read = (input: { [name: string]: unknown }, name: string): unknown => own(input, name) ?? null;

  const parse = (input: { [name: string]: unknown }, path: (string | number)[]): ParsedInput => {
    const parameters: { [name: string]: Json } = {};
    const issues = createIssueList(path);
    for (const { parameter, check } of fields) {
      const { name } = parameter;
      const given = read(input, name);
      if (given === null) {
        if (parameter.required) issues.add([name], 'required', 'expected a value, got nothing');
        else if (parameter.default !== null) parameters[name] = copyOf(parameter.default);
        continue;
      }
      const checked = check(given);
      if (checked.ok) parameters[name] = checked.value;
      else
        for (const fault of checked.faults) issues.add([name, ...fault.path], fault.code, fault.message, fault.hints);
    }
    for (const { megapixels } of constraints) checkMegapixels(parameters, megapixels, maxMegapixels, issues);
    for (const name of Object.keys(input)) {
      if (issues.full) break;
      if (known.has(name)) continue;
      const hints = suggestionOf(name, names);
      issues.add([shorten(name)], 'unknown_field', unknownField(name, names, hints.suggestion), hints);
    }
    return issues.found.length > 0 ? { ok: false, issues: issues.found, parameters } : { ok: true, parameters };
  };

  /** The result has the parameters in the order of the manifest, whichever seeds were absent. */
  const complete = (parameters: { [name: string]: Json }, randomSeed: () => number): { [name: string]: Json } => {
    const completed: { [name: string]: Json } = {};
    for (const { parameter, listLimits } of fields) {
      const value = own(parameters, parameter.name);
      if (value !== undefined) completed[parameter.name] = value;
      else if (parameter.type === 'SEED') {
        const drawn = Array.from({ length: Math.max(1, listLimits.minItems) }, () => drawSeed(parameter, randomSeed));
        completed[parameter.name] = parameter.list ? drawn : (drawn[0] ?? 0);
      }
    }
    return completed;
  };

  return { parse, complete };
}

/** The fault is reported at the first of the two parameters, since a form has no place for a fault of both. */
function checkMegapixels(
  parameters: { [name: string]: Json },
  names: [string, string],
  max: number,
  issues: IssueList,
): void {
  const [width, height] = names.map((name) => own(parameters, name));
  // A value that is absent or was refused cannot be multiplied.
  if (typeof width !== 'number' || typeof height !== 'number') return;
  if (width * height <= max * PIXELS_PER_MEGAPIXEL) return;
  const got = `${width} x ${height} = ${(width * height) / PIXELS_PER_MEGAPIXEL}`;
  issues.add([names[0]], 'too_big', `expected ${names.join(' x ')} of at most ${max} megapixels, got ${got}`);
}

function unknownField(name: string, names: string[], near: string | undefined): string {
  return `${quote(name)} is not a parameter; ${near ? `did you mean ${near}?` : `there are ${names.join(', ')}`}`;
}

/** Copies a default, a scalar or a list of scalars, since callers may change the list that they get. */
function copyOf(value: Json): Json {
  return Array.isArray(value) ? [...value] : value;
}

/** Draws a seed within the range of its parameter, since some nodes take only 32 bits. */
function drawSeed({ minimum, maximum }: WorkflowParameter, randomSeed: () => number): number {
  const least = minimum ?? 0;
  return least + (randomSeed() % ((maximum ?? Number.MAX_SAFE_INTEGER) - least + 1));
}
