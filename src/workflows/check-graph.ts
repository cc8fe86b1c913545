import type { Graph, GraphNode } from '../core/graph.ts';
import type { Json } from '../core/job.ts';
import { isObject, own } from '../core/objects.ts';
import { createWalk, graphLimits, type Walk } from './bounded-copy.ts';
import { describe, type IssueList, type Path, quote, shorten } from './issues.ts';

const NODE_ID = /^[A-Za-z0-9_.:-]{1,64}$/;
const EDITOR_FORMAT =
  "expected ComfyUI's API format, got the editor's; in ComfyUI, open the workflow and use File > Export (API)";

/**
 * Checks that a value is a graph in ComfyUI's API format, and returns a copy with only what that format has: class,
 * inputs and title of each node. Faults are added to `issues` under `path`, and the result is then null. Classes and
 * their inputs are not checked, since only a ComfyUI knows them.
 */
export function checkGraph(value: unknown, path: Path, issues: IssueList): Graph | null {
  const before = issues.found.length;
  const graph = readGraph(value, path, issues);
  return issues.full || issues.found.length > before ? null : graph;
}

function readGraph(value: unknown, path: Path, issues: IssueList): Graph | null {
  if (!isObject(value)) {
    issues.add(path, 'invalid_type', `expected an object of node id -> node, got ${describe(value)}`);
    return null;
  }
  if (Array.isArray(own(value, 'nodes'))) {
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
      const expected = 'expected a node id of 1 to 64 of A-Z a-z 0-9 _ . : -';
      issues.add([...path, shorten(id)], 'invalid_string', `${expected}, got ${quote(id)}`);
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
    const at = [...path, 'inputs', shorten(name)];
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

/** Copies the title from `_meta`, which belongs to ComfyUI's editor. Nothing else in it is used. */
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

/** A list of a text and an integer is a link: `[id of another node, index of its output]`. */
function checkLink(input: unknown, path: Path, graph: { [id: string]: unknown }, issues: IssueList): void {
  if (!Array.isArray(input) || input.length !== 2) return;
  const [id, slot] = input;
  if (typeof id !== 'string' || !Number.isInteger(slot) || Object.hasOwn(graph, id)) return;
  issues.add([...path, 0], 'unknown_node', `expected a link to a node of this graph, got ${quote(id)}`);
}
