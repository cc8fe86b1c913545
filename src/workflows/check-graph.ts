import type { Graph, GraphNode } from '../core/graph.ts';
import type { Json } from '../core/job.ts';
import { describe, type IssueList, type Path, quote } from './issues.ts';
import { textFault } from './values.ts';

/** Bounds of a graph. Real ones have tens of nodes, a few hundred at most. */
export const graphLimits = {
  nodes: 1000,
  /** Lists and objects within one another, below an input. */
  depth: 20,
  /** Values below all inputs together, lists and objects included. */
  values: 100_000,
  /** UTF-16 units of all texts and names together. */
  characters: 1_000_000,
  nameLength: 200,
};

const NODE_ID = /^[A-Za-z0-9_.:-]{1,64}$/;
const EDITOR_FORMAT =
  "expected ComfyUI's API format, got the editor's; in ComfyUI, open the workflow and use Workflow > Export (API) (older versions: switch on dev mode, then Save (API Format))";

/**
 * Checks that a value is a graph in ComfyUI's API format and gives it back with nothing in it but what that format has:
 * class, inputs and title of each node. Faults go to `issues`, under `path`; then the answer is null. What the classes and
 * their inputs are, only a ComfyUI knows.
 */
export function checkGraph(value: unknown, path: Path, issues: IssueList): Graph | null {
  const before = issues.found.length;
  const graph = readGraph(value, path, issues);
  return issues.found.length > before ? null : graph;
}

function readGraph(value: unknown, path: Path, issues: IssueList): Graph | null {
  if (!isObject(value)) {
    issues.add(path, 'invalid_type', `expected an object of node id -> node, got ${describe(value)}`);
    return null;
  }
  if (Array.isArray(own(value, 'nodes')) && Array.isArray(own(value, 'links'))) {
    issues.add(path, 'editor_format', EDITOR_FORMAT);
    return null;
  }
  const ids = Object.keys(value);
  if (ids.length === 0) issues.add(path, 'too_small', 'expected at least one node, got none');
  if (ids.length > graphLimits.nodes) {
    issues.add(path, 'too_big', `expected at most ${graphLimits.nodes} nodes, got ${ids.length}`);
    return null;
  }
  const walk = createWalk(issues, path);
  const graph: Graph = {};
  for (const id of ids) {
    if (issues.full || walk.spent) break;
    if (!NODE_ID.test(id) || id === '__proto__') {
      const shown = id.slice(0, 64).toWellFormed();
      issues.add(
        [...path, shown],
        'invalid_string',
        `expected a node id of 1 to 64 of A-Z a-z 0-9 _ . : -, got ${quote(id)}`,
      );
      continue;
    }
    const node = readNode(value[id], [...path, id], value, walk, issues);
    if (node) graph[id] = node;
  }
  return graph;
}

function readNode(
  value: unknown,
  path: Path,
  graph: { [id: string]: unknown },
  walk: Walk,
  issues: IssueList,
): GraphNode | null {
  if (!isObject(value)) {
    issues.add(path, 'invalid_type', `expected a node {class_type, inputs}, got ${describe(value)}`);
    return null;
  }
  const classType = readName(own(value, 'class_type'), [...path, 'class_type'], walk, issues);
  const title = readTitle(own(value, '_meta'), [...path, '_meta'], walk, issues);
  const given = own(value, 'inputs');
  if (!isObject(given)) {
    issues.add(
      [...path, 'inputs'],
      given === undefined ? 'required' : 'invalid_type',
      `expected an object, got ${describe(given)}`,
    );
    return null;
  }
  const inputs: { [name: string]: Json } = {};
  for (const [name, input] of Object.entries(given)) {
    if (issues.full || walk.spent) break;
    const at = [...path, 'inputs', name.slice(0, 64).toWellFormed()];
    if (!walk.key(name, at)) continue;
    inputs[name] = walk.value(input, at, 0);
    checkLink(input, at, graph, issues);
  }
  if (classType === null) return null;
  return { class_type: classType, inputs, ...(title === null ? {} : { _meta: { title } }) };
}

function readName(value: unknown, path: Path, walk: Walk, issues: IssueList): string | null {
  const expected = `expected the name of a node class, 1 to ${graphLimits.nameLength} characters`;
  if (value === undefined) issues.add(path, 'required', `${expected}, got nothing`);
  else if (typeof value !== 'string') issues.add(path, 'invalid_type', `${expected}, got ${describe(value)}`);
  else if (value.length < 1) issues.add(path, 'too_small', `${expected}, got none`);
  else if (value.length > graphLimits.nameLength) issues.add(path, 'too_big', `${expected}, got ${value.length}`);
  else {
    walk.value(value, path, 0);
    return value;
  }
  return null;
}

/** `_meta` is the editor's; of it only the title is of use. */
function readTitle(meta: unknown, path: Path, walk: Walk, issues: IssueList): string | null {
  if (meta === undefined || meta === null) return null;
  if (!isObject(meta)) {
    issues.add(path, 'invalid_type', `expected an object, got ${describe(meta)}`);
    return null;
  }
  const title = own(meta, 'title');
  if (title === undefined || title === null) return null;
  if (typeof title === 'string' && title.length <= graphLimits.nameLength) {
    walk.value(title, [...path, 'title'], 0);
    return title;
  }
  const code = typeof title === 'string' ? 'too_big' : 'invalid_type';
  issues.add(
    [...path, 'title'],
    code,
    `expected text of at most ${graphLimits.nameLength} characters, got ${describe(title)}`,
  );
  return null;
}

/** A list of a text and an integer is a link: [id of another node, index of its output]. */
function checkLink(input: unknown, path: Path, graph: { [id: string]: unknown }, issues: IssueList): void {
  if (!Array.isArray(input) || input.length !== 2) return;
  const [id, slot] = input;
  if (typeof id !== 'string' || !Number.isInteger(slot) || Object.hasOwn(graph, id)) return;
  issues.add([...path, 0], 'unknown_node', `expected a link to a node of this graph, got ${quote(id)}`);
}

interface Walk {
  /** True once the graph has shown itself too large: the rest is not looked at. */
  readonly spent: boolean;
  /** Whether a property's name will do; counts it. */
  key(name: string, path: Path): boolean;
  /** A copy of a JSON value, as far as it is one; `depth` is the number of lists and objects around it. */
  value(value: unknown, path: Path, depth: number): Json;
}

/** Copies values while counting them, so that a graph's total is bounded whatever its shape. */
function createWalk(issues: IssueList, graphPath: Path): Walk {
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
    const long = name.length > graphLimits.nameLength;
    if (long)
      issues.add(
        path,
        'too_big',
        `expected a name of at most ${graphLimits.nameLength} characters, got ${name.length}`,
      );
    const fault = name === '__proto__' ? 'expected a name other than __proto__' : textFault(name);
    if (fault) issues.add(path, 'invalid_string', fault);
    return !long && fault === null;
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
    else if (Number.isInteger(given) && !Number.isSafeInteger(given)) {
      const code = given > 0 ? 'too_big' : 'too_small';
      issues.add(
        path,
        code,
        `expected an integer of at most 2^53-1 either side, got about ${given}: it would be rounded`,
      );
    }
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
      const at = [...path, name.slice(0, 64).toWellFormed()];
      if (key(name, at)) copy[name] = value(item, at, depth + 1);
    }
    return copy;
  };

  const value = (given: unknown, path: Path, depth: number): Json => {
    if (typeof given === 'string') return text(given, path);
    if (typeof given === 'number') return number(given, path);
    if (given !== null && typeof given === 'object')
      return nested(Array.isArray(given) ? given : { ...given }, path, depth);
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

function isObject(value: unknown): value is { [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(object: { [name: string]: unknown }, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
