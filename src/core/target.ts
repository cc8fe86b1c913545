import * as z from 'zod';
import type { Json } from './job.ts';
import { isObject, own } from './objects.ts';

/** A key of an object, or an index of a list. */
export const stepSchema = z.union([z.string(), z.int().min(0)]);
export type Step = z.infer<typeof stepSchema>;

/** Where in a graph a value goes: all of an input, or what `path` leads to inside of the input's own value. */
export interface Target {
  node: string;
  input: string;
  path?: Step[];
}

/** What a path leads to; undefined where that is nothing. Only what objects have themselves counts. */
export function valueAt(value: Json | undefined, path: readonly Step[]): Json | undefined {
  return path.reduce<Json | undefined>((at, step) => {
    if (typeof step === 'number') return Array.isArray(at) ? at[step] : undefined;
    return isObject(at) ? own(at, step) : undefined;
  }, value);
}

/**
 * The value with something else where the path leads. What lies on the way is copied and the rest is shared, so that
 * the value itself stays as it is. Throws RangeError where the path leads nowhere.
 */
export function replaceAt(value: Json | undefined, path: readonly Step[], next: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined) return next;
  const inner = valueAt(value, [step]);
  if (inner === undefined) throw new RangeError(`there is no ${JSON.stringify(step)}`);
  if (Array.isArray(value)) return value.with(Number(step), replaceAt(inner, rest, next));
  return { ...(value as { [name: string]: Json }), [step]: replaceAt(inner, rest, next) };
}

/** A target for a person: `lora_1.strength`. */
export function inputOf({ input, path = [] }: Omit<Target, 'node'>): string {
  return [input, ...path].join('.');
}
