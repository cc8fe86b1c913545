import type { Graph } from '../core/graph.ts';
import type { Json } from '../core/job.ts';
import { isObject, own } from '../core/objects.ts';
import { createWalk, graphLimits } from './bounded-copy.ts';
import { checkFile, toFileKind } from './check-file.ts';
import { isEditorWorkflow } from './editor/convert.ts';
import { describe, type IssueList, type Path, quote, shorten } from './issues.ts';

/**
 * Parses `outputs`, the ids of the nodes whose results are delivered; null where it is absent. `graph` is null where it
 * is invalid.
 */
export function checkOutputs(value: unknown, graph: Graph | null, issues: IssueList): string[] | null {
  if (value === null) return null;
  if (!Array.isArray(value) || value.length === 0 || value.length > graphLimits.nodes) {
    const expected = `expected a list of 1 to ${graphLimits.nodes} node ids`;
    issues.add(['outputs'], 'invalid_type', `${expected}, got ${describe(value)}`);
    return null;
  }
  const nodes = new Set<string>();
  for (const [index, item] of value.entries()) {
    const node = checkNode(item, ['outputs', index], graph, issues);
    if (node === null) continue;
    if (nodes.has(node)) issues.add(['outputs', index], 'not_unique', `${quote(node)} is there twice`);
    nodes.add(node);
  }
  return [...nodes];
}

/** Copies what ComfyUI's editor saves, within the bounds of a graph; null where it is absent. */
export function checkEditorWorkflow(value: unknown, path: Path, issues: IssueList): Json {
  if (value === null) return null;
  if (isEditorWorkflow(value)) return createWalk(issues, path).value(value, path, 0);
  const expected = "expected what ComfyUI's editor saves, an object with a list of `nodes`";
  issues.add(path, 'invalid_type', `${expected}, got ${isObject(value) ? 'one without' : describe(value)}`);
  return null;
}

/**
 * Parses `files`, `[{node, input, kind?, file}]`, with kinds as in the parameters of a job; null where it is absent.
 */
export function checkFiles(value: unknown, graph: Graph | null, max: number, issues: IssueList): Json[] | null {
  if (value === null) return null;
  if (!Array.isArray(value) || value.length > max) {
    const code = Array.isArray(value) ? 'too_big' : 'invalid_type';
    issues.add(['files'], code, `expected a list of at most ${max} files, got ${describe(value)}`);
    return null;
  }
  const taken = new Set<string>();
  const files = value.map((item, index) => checkPlace(item, ['files', index], graph, taken, issues));
  return files.length === 0 ? null : files;
}

const PLACE_FIELDS = ['node', 'input', 'kind', 'file'];

function checkPlace(value: unknown, path: Path, graph: Graph | null, taken: Set<string>, issues: IssueList): Json {
  if (!isObject(value)) {
    issues.add(path, 'invalid_type', `expected {node, input, kind, file}, got ${describe(value)}`);
    return null;
  }
  for (const field of Object.keys(value).filter((name) => !PLACE_FIELDS.includes(name))) {
    if (issues.full) break;
    const message = `${quote(field)} is not a field; there are ${PLACE_FIELDS.join(', ')}`;
    issues.add([...path, shorten(field)], 'unknown_field', message);
  }
  const node = checkNode(value.node, [...path, 'node'], graph, issues);
  const input = checkInput(value.input, node, [...path, 'input'], graph, issues);
  const key = JSON.stringify([node, input]);
  if (node !== null && input !== null && taken.has(key)) {
    issues.add([...path, 'input'], 'not_unique', `${quote(input)} of node ${node} gets a file already`);
  }
  taken.add(key);
  const given = value.kind ?? null;
  const kind = toFileKind(given);
  if (given !== null && kind === null) {
    issues.add([...path, 'kind'], 'not_a_choice', `expected IMAGE, MASK, AUDIO or VIDEO, got ${describe(given)}`);
  }
  const file = checkFile(value.file, [...path, 'file'], issues);
  return { node, input, ...(kind && { kind }), file };
}

function checkNode(value: unknown, path: Path, graph: Graph | null, issues: IssueList): string | null {
  if (typeof value !== 'string') {
    issues.add(path, 'invalid_type', `expected a node id, got ${describe(value)}`);
    return null;
  }
  if (graph && !Object.hasOwn(graph, value)) {
    issues.add(path, 'unknown_node', `expected a node of the graph, got ${quote(value)}`);
  }
  return value;
}

/**
 * Only the node is checked here. The class may have inputs that the graph leaves out, and only a ComfyUI knows them.
 */
function checkInput(
  value: unknown,
  node: string | null,
  path: Path,
  graph: Graph | null,
  issues: IssueList,
): string | null {
  const expected = `expected the name of an input, 1 to ${graphLimits.nameLength} characters`;
  if (typeof value !== 'string') issues.add(path, 'invalid_type', `${expected}, got ${describe(value)}`);
  else if (value === '' || value.length > graphLimits.nameLength || value === '__proto__' || /\p{C}/u.test(value)) {
    issues.add(path, 'invalid_string', `${expected}, got ${describe(value)}`);
  } else {
    if (node !== null && Array.isArray(linkAt(graph, node, value))) {
      issues.add(path, 'is_link', `${quote(value)} of node ${node} is a link to another node`);
    }
    return value;
  }
  return null;
}

function linkAt(graph: Graph | null, node: string, input: string): Json | undefined {
  const inputs = graph && own(graph, node)?.inputs;
  return inputs && own(inputs, input);
}
