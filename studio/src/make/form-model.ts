import type { FileInput, WorkflowParameter } from '@comfygate/client';

/** An input file as the form has it: what the API takes. */
export type FileValue = Extract<FileInput, { upload: string } | { artifact: string } | { url: string }>;

export interface SliderBounds {
  min: number;
  max: number;
  step: number;
}

/** A slider with more steps than this moves by so many at a pixel that no value can be met. */
const MAX_STEPS = 5_000;

/** Largest whole number that JavaScript holds: the largest seed. */
const MAX_SEED = Number.MAX_SAFE_INTEGER;

const isNumber = ({ type }: WorkflowParameter) => type === 'INT' || type === 'FLOAT' || type === 'SEED';

/** What the form shows for a parameter: what was chosen, or else the workflow's own. */
export function shownValue(parameter: WorkflowParameter, chosen: unknown): unknown {
  const value = chosen ?? parameter.default;
  if (value !== undefined && value !== null) return value;
  return parameter.list ? [] : undefined;
}

/** The input of `generate`: what was chosen of what the workflow has, without what is empty. */
export function inputOf(parameters: readonly WorkflowParameter[], chosen: Readonly<Record<string, unknown>>) {
  const fields = parameters.flatMap(({ name, ...parameter }) => {
    const value = chosen[name];
    if (value === undefined || value === null) return [];
    // A text that was emptied is sent where it stands for something else than the default.
    const isEmpty = value === '' && (parameter.default ?? '') === '';
    return isEmpty || (Array.isArray(value) && value.length === 0) ? [] : [[name, value] as const];
  });
  return Object.fromEntries(fields);
}

/** Keeps of a recipe what this workflow has, in a form that its controls can show. */
export function fitting(parameters: readonly WorkflowParameter[], recipe: Readonly<Record<string, unknown>>) {
  const fields = parameters.flatMap((parameter) => {
    const value = recipe[parameter.name];
    const each = (one: unknown) => fittingOne(parameter, one);
    const kept = !parameter.list ? each(value) : Array.isArray(value) ? value.map(each) : undefined;
    const fits = Array.isArray(kept) ? kept.every((one) => one !== undefined) : kept !== undefined;
    return fits ? [[parameter.name, kept] as const] : [];
  });
  return Object.fromEntries(fields);
}

/** Leaves out what is as the workflow has it anyway. */
export function withoutDefaults(parameters: readonly WorkflowParameter[], recipe: Readonly<Record<string, unknown>>) {
  const defaults = new Map(parameters.map(({ name, default: own }) => [name, JSON.stringify(own)]));
  return Object.fromEntries(
    Object.entries(recipe).filter(([name, value]) => defaults.get(name) !== JSON.stringify(value)),
  );
}

function fittingOne({ type }: WorkflowParameter, value: unknown): unknown {
  if (type === 'FILE') return isFileValue(value) ? value : undefined;
  if (type === 'BOOLEAN') return typeof value === 'boolean' ? value : undefined;
  if (type === 'STRING' || type === 'ENUM' || type === 'MODEL') return typeof value === 'string' ? value : undefined;
  return typeof value === 'number' ? value : undefined;
}

function isFileValue(value: unknown): value is FileValue {
  if (typeof value !== 'object' || value === null) return false;
  const [[kind, id] = [], ...more] = Object.entries(value);
  return more.length === 0 && typeof id === 'string' && ['upload', 'artifact', 'url'].includes(kind ?? '');
}

/** What is wrong with a value by the limits that the API tells; undefined where nothing is. */
export function faultOf(parameter: WorkflowParameter, value: unknown): string | undefined {
  const { required, list } = parameter;
  const isMissing = value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  if (isMissing) return required ? 'This is needed.' : undefined;
  if (!list) return faultOfOne(parameter, value);
  const faults = (value as unknown[]).map((one, i) => [i + 1, faultOfOne(parameter, one)] as const);
  const [at, fault] = faults.find(([, each]) => each !== undefined) ?? [];
  return fault && `Number ${at}: ${fault}`;
}

function faultOfOne(parameter: WorkflowParameter, value: unknown): string | undefined {
  const { minimum, maximum, multipleOf, maxLength } = parameter;
  if (typeof value === 'string') {
    // As the API counts: an emoji is one character.
    const over = maxLength !== null && value.length > maxLength ? [...value].length - maxLength : 0;
    return over > 0 ? `${over} character${over === 1 ? '' : 's'} too many.` : undefined;
  }
  if (typeof value !== 'number') return undefined;
  if (!Number.isFinite(value)) return 'Give a number.';
  if (parameter.type !== 'FLOAT' && !Number.isInteger(value)) return 'Give a whole number.';
  if (minimum !== null && value < minimum) return `At least ${minimum}.`;
  if (maximum !== null && value > maximum) return `At most ${maximum}.`;
  const fits = multipleOf === null || isMultiple(value, multipleOf);
  return fits ? undefined : `A multiple of ${multipleOf}, such as ${nearest(value, parameter)}.`;
}

const isMultiple = (value: number, of: number) => Math.abs(value / of - Math.round(value / of)) < 1e-9;

function nearest(value: number, { multipleOf, minimum }: WorkflowParameter): number {
  const step = multipleOf ?? 1;
  // Multiples of 0.1 are written as people do.
  const multiple = Number((Math.round(value / step) * step).toPrecision(12));
  return Math.max(multiple, minimum ?? Number.NEGATIVE_INFINITY);
}

/** Where a slider helps; null where its steps would be too many, or have no end. */
export function sliderOf(parameter: WorkflowParameter): SliderBounds | null {
  const { type, minimum: min, maximum: max, multipleOf } = parameter;
  if ((type !== 'INT' && type !== 'FLOAT') || min === null || max === null || max <= min) return null;
  const step = multipleOf ?? (type === 'INT' ? 1 : fineStep(max - min));
  return (max - min) / step > MAX_STEPS ? null : { min, max, step };
}

/** A hundredth of the range or so, as people count: 0.01, 0.1, 1. */
const fineStep = (range: number) => 10 ** Math.round(Math.log10(range / 200));

const UNITS: readonly [words: RegExp, unit: string][] = [
  [/\bper second\b|\bfps\b/i, 'fps'],
  [/\bseconds?\b|\bduration\b/i, 's'],
  [/\bpixels?\b|\b(?:width|height)\b/i, 'px'],
  [/\bdegrees?\b/i, '°'],
  [/\bper ?cent\b/i, '%'],
];

/** The unit of a number, by what the workflow says of it. */
export function unitOf(parameter: WorkflowParameter): string | undefined {
  if (!isNumber(parameter)) return undefined;
  const said = `${parameter.name.replace(/([a-z])([A-Z])/g, '$1 $2')} ${parameter.description ?? ''}`;
  return UNITS.find(([words]) => words.test(said))?.[1];
}

export const drawSeed = ({ minimum, maximum }: WorkflowParameter, random = Math.random): number => {
  const least = minimum ?? 0;
  return least + Math.floor(random() * ((maximum ?? MAX_SEED) - least + 1));
};
