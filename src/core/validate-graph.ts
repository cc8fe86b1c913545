import type { Graph } from './graph.ts';
import type { Json } from './job.ts';
import { exactLimit, type InputSpec, type Limit, type NodeDefinitions } from './node-definitions.ts';
import { isObject, own } from './objects.ts';
import { pythonNumber } from './python-number.ts';

const SHOWN_CHARACTERS = 40;

/** Why a ComfyUI would refuse a graph. */
export interface GraphIssue {
  /** Null: of the graph as a whole. */
  nodeId: string | null;
  classType: string | null;
  /** Null: of the node as a whole. */
  input: string | null;
  /**
   * The server has no such class or no such value in a list, a number is beyond a limit, a value is of the wrong type,
   * or there is none.
   */
  kind: 'class' | 'choice' | 'too_small' | 'too_big' | 'type' | 'missing';
  /**
   * Whether ComfyUI refuses it for sure. A class of a pack may check lists and limits by itself: it takes files that
   * its list does not have, for instance.
   */
  certain: boolean;
  /** What was expected, for a person; it names neither node nor input. */
  message: string;
  given?: Json;
  /** What there is: for `class` and `choice`. */
  options?: readonly (string | number | boolean)[];
  /** Of a number. */
  minimum?: Limit;
  maximum?: Limit;
}

export interface ValidateGraphOptions {
  /** Inputs whose value is not there yet: files that are brought to the server before. */
  except?: readonly { node: string; input: string }[];
}

/**
 * Why the ComfyUI with these node definitions would refuse the graph, as far as they determine it; empty where it
 * would not. As there, classes of all nodes count, and inputs of those nodes that a result needs. Links, cycles, input
 * files, and what a class checks by itself are left to the server.
 */
export function validateGraph(
  graph: Graph,
  nodeDefinitions: NodeDefinitions,
  options?: ValidateGraphOptions,
): GraphIssue[] {
  return findGraphIssues(graph, nodeDefinitions, options).filter(({ certain }) => certain);
}

/** The same, and what it may refuse: values that lists and limits of classes of packs do not have. */
export function findGraphIssues(
  graph: Graph,
  nodeDefinitions: NodeDefinitions,
  { except = [] }: ValidateGraphOptions = {},
): GraphIssue[] {
  const issues: GraphIssue[] = [];
  let classes: string[] | undefined;
  const wanted: string[] = [];
  for (const [nodeId, { class_type: classType }] of Object.entries(graph)) {
    const known = nodeDefinitions.get(classType);
    if (known?.outputNode) wanted.push(nodeId);
    if (known) continue;
    classes ??= [...nodeDefinitions.keys()];
    const message = 'expected a class that the server has';
    issues.push({
      nodeId,
      classType,
      input: null,
      kind: 'class',
      certain: true,
      message,
      given: classType,
      options: classes,
    });
  }
  if (wanted.length === 0 && issues.length === 0) {
    const message = 'expected a node that makes a result, such as SaveImage';
    return [{ nodeId: null, classType: null, input: null, kind: 'missing', certain: true, message }];
  }
  // A set that is walked while it grows: each node once, whatever cycles there are.
  const needed = new Set(wanted);
  for (const nodeId of needed) {
    const node = own(graph, nodeId);
    const known = node && nodeDefinitions.get(node.class_type);
    if (!known) continue;
    for (const [input, { required, spec }] of known.inputs) {
      const value = own(node.inputs, input);
      if (spec.kind === 'DYNAMIC') {
        for (const from of linksBelow(node.inputs, input)) if (Object.hasOwn(graph, from)) needed.add(from);
      } else if (Array.isArray(value)) {
        const [from] = value;
        // What is no link of two is refused by itself, and nothing behind it is looked at.
        if (value.length === 2 && typeof from === 'string' && Object.hasOwn(graph, from)) needed.add(from);
      } else {
        const issue = value === undefined ? missing(required, spec) : issueOf(spec, unwrap(value));
        if (!issue || except.some((place) => place.node === nodeId && place.input === input)) continue;
        const isChecked = known.stock && !(spec.kind === 'COMBO' && spec.unchecked);
        const certain = isChecked || issue.kind === 'type' || issue.kind === 'missing';
        issues.push({ nodeId, classType: node.class_type, input, certain, ...issue });
      }
    }
  }
  return issues;
}

type Found = Omit<GraphIssue, 'nodeId' | 'classType' | 'input' | 'certain'>;

function missing(required: boolean, spec: InputSpec): Found | null {
  return required ? { kind: 'missing', message: `expected ${expected(spec)}, got nothing` } : null;
}

/** What ComfyUI's validation says of a literal: it converts what Python would, and compares the result. */
function issueOf(spec: InputSpec, given: Json): Found | null {
  switch (spec.kind) {
    case 'INT':
    case 'FLOAT': {
      const number = pythonNumber(spec.kind, given);
      const message = `expected ${expected(spec)}, got ${shown(given)}`;
      const { min: minimum, max: maximum } = spec;
      const bounds = { ...(minimum !== undefined && { minimum }), ...(maximum !== undefined && { maximum }) };
      if (number === null) return { kind: 'type', message, given, ...bounds };
      if (minimum !== undefined && number < exactLimit(minimum)) {
        return { kind: 'too_small', message, given, ...bounds };
      }
      const isOver = maximum !== undefined && number > exactLimit(maximum);
      return isOver ? { kind: 'too_big', message, given, ...bounds } : null;
    }
    case 'COMBO': {
      const chosen = spec.multiple && Array.isArray(given) ? given : [given];
      const unknown = chosen.find((value) => !spec.options.some((option) => equal(option, value)));
      if (unknown === undefined) return null;
      const message = `expected ${expected(spec)}, got ${shown(unknown)}`;
      return { kind: 'choice', message, given: unknown, options: spec.options };
    }
    // Anything becomes a text or a truth value; a literal where a link belongs fails only when the node runs.
    default:
      return null;
  }
}

function expected(spec: InputSpec): string {
  switch (spec.kind) {
    case 'INT':
    case 'FLOAT': {
      const what = spec.kind === 'INT' ? 'an integer' : 'a number';
      const { min, max } = spec;
      if (min !== undefined && max !== undefined) return `${what} of ${min} to ${max}`;
      if (min !== undefined) return `${what} of at least ${min}`;
      return max === undefined ? what : `${what} of at most ${max}`;
    }
    case 'STRING':
      return 'text';
    case 'BOOLEAN':
      return 'true or false';
    case 'COMBO':
      return `one of ${spec.options.length} choices`;
    case 'LINK':
      return `a link to ${spec.type}`;
    default:
      return 'a value';
  }
}

/** At most 40 characters of it. */
function shown(value: Json): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS).toWellFormed()}…` : text;
}

/** As in Python, where True equals 1. */
function equal(option: string | number | boolean, value: Json): boolean {
  if (option === value) return true;
  return (
    typeof option !== 'string' &&
    typeof value !== 'object' &&
    typeof value !== 'string' &&
    Number(option) === Number(value)
  );
}

function unwrap(value: Json): Json {
  return isObject(value) ? (own(value, '__value__') ?? value) : value;
}

/** The nodes that the inputs of a dynamic one link to. */
function linksBelow(inputs: { [name: string]: Json }, dynamic: string): string[] {
  return Object.entries(inputs).flatMap(([name, value]) => {
    if (!Array.isArray(value) || value.length !== 2 || !name.startsWith(`${dynamic}.`)) return [];
    const [from] = value;
    return typeof from === 'string' ? [from] : [];
  });
}
