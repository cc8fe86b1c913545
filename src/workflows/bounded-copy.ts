import type { Json } from '../core/job.ts';
import { isObject } from '../core/objects.ts';
import { describe, type IssueList, type Path, shorten, textFault } from './issues.ts';

/** Bounds of a graph. Real graphs have tens of nodes, a few hundred at most. */
export const graphLimits = {
  nodes: 1000,
  /** How deep lists and objects may be nested below an input. */
  depth: 20,
  /** The number of values below all inputs together, lists and objects included. */
  values: 100_000,
  /** The number of UTF-16 units of all texts and names together. */
  characters: 1_000_000,
  nameLength: 200,
};

/** Copies the values of one graph. */
export interface Walk {
  /** True once the graph is known to be too large: the rest of it is not copied. */
  readonly spent: boolean;
  /** Counts a property's name and returns whether it is allowed. */
  key(name: string, path: Path): boolean;
  /** Copies a JSON value and reports what is not JSON. `depth` is the number of lists and objects around the value. */
  value(value: unknown, path: Path, depth: number): Json;
}

/** Copies values and counts them, so that the total size of a graph is bounded whatever its shape. */
export function createWalk(issues: IssueList, graphPath: Path): Walk {
  let values = 0;
  let characters = 0;
  let spent = false;

  const count = (length: number): void => {
    values += 1;
    characters += length;
    if (spent || (values <= graphLimits.values && characters <= graphLimits.characters)) return;
    spent = true;
    const { values: maxValues, characters: maxCharacters } = graphLimits;
    issues.add(graphPath, 'too_big', `expected a graph of at most ${maxValues} values and ${maxCharacters} characters`);
  };

  const key = (name: string, path: Path): boolean => {
    count(name.length);
    const { nameLength } = graphLimits;
    const fault = name === '__proto__' ? 'expected a name other than __proto__' : textFault(name);
    if (fault) issues.add(path, 'invalid_string', fault);
    else if (name.length > nameLength) {
      issues.add(path, 'too_big', `expected a name of at most ${nameLength} characters, got ${name.length}`);
    } else return true;
    return false;
  };

  const text = (given: string, path: Path): string => {
    count(given.length);
    const fault = spent ? null : textFault(given);
    if (fault) issues.add(path, 'invalid_string', fault);
    return given;
  };

  const number = (given: number, path: Path): number => {
    count(0);
    if (!Number.isFinite(given)) issues.add(path, 'invalid_type', `expected a finite number, got ${given}`);
    return given;
  };

  const nested = (given: unknown[] | { [name: string]: unknown }, path: Path, depth: number): Json => {
    count(0);
    if (depth >= graphLimits.depth) {
      issues.add(path, 'too_deep', `expected at most ${graphLimits.depth} lists and objects within one another`);
      return null;
    }
    if (Array.isArray(given)) {
      const items: Json[] = [];
      for (const [index, item] of given.entries()) {
        if (issues.full || spent) break;
        items.push(value(item, [...path, index], depth + 1));
      }
      return items;
    }
    const copy: { [name: string]: Json } = {};
    for (const [name, item] of Object.entries(given)) {
      if (issues.full || spent) break;
      const at = [...path, shorten(name)];
      if (key(name, at)) copy[name] = value(item, at, depth + 1);
    }
    return copy;
  };

  const value = (given: unknown, path: Path, depth: number): Json => {
    if (typeof given === 'string') return text(given, path);
    if (typeof given === 'number') return number(given, path);
    if (Array.isArray(given) || isObject(given)) return nested(given, path, depth);
    count(0);
    if (given === null || typeof given === 'boolean') return given;
    issues.add(path, 'invalid_type', `expected a JSON value, got ${describe(given)}`);
    return null;
  };

  return {
    get spent() {
      return spent;
    },
    key,
    value,
  };
}
