import { canonicalJson } from '../core/canonical-json.ts';
import type { InputIssue } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import type { Json } from '../core/job.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { isObject, own } from '../core/objects.ts';
import { graphLimits } from './bounded-copy.ts';
import type { WorkflowCatalogue } from './catalogue.ts';
import { checkEditorWorkflow, checkFiles, checkOutputs } from './check-custom.ts';
import { checkGraph } from './check-graph.ts';
import { convertWorkflow, isEditorWorkflow } from './editor/convert.ts';
import { createIssueList, describe, type IssueList, MAX_ISSUES, quote, shorten } from './issues.ts';

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The most input files of one graph. */
export const MAX_CUSTOM_FILES = 16;

const FIELDS = ['graph', 'name', 'outputs', 'keepMetadata', 'editorWorkflow', 'files'];

/**
 * What identifies an input: the same for inputs that ask for the same, without titles, and sorted where the order says
 * nothing. Of what the editor saves it is that itself, since what it becomes depends on the servers' classes.
 */
type Identity = { [name: string]: Json };

/**
 * A caller's own graph after the check. `parameters` (see core/plan.ts) holds only what the caller gave, and the graph
 * that runs. With issues, `identity` is that of what the editor saves, which may have been taken while the servers had
 * other classes; otherwise null.
 */
export type ParsedCustom =
  | { ok: true; parameters: { [name: string]: Json } & { graph: Graph }; identity: Identity; nodesTotal: number }
  | { ok: false; issues: InputIssue[]; identity: Identity | null };

/**
 * Creates the parser of `WorkflowInput.custom`, `{graph, name?, outputs?, keepMetadata?, editorWorkflow?, files?}`. A
 * field that is null counts as absent. It reports all faults at once, at most 50. Class names, inputs and cycles in the
 * graph are not checked here, since only a ComfyUI knows its nodes. Where `graph` is what the editor saves, it is
 * converted by `nodeDefinitions`, which takes a few milliseconds, and is the editor's workflow where none is given.
 */
export function createCustomParser({ catalogue }: { catalogue: Pick<WorkflowCatalogue, 'get'> }) {
  return function parseCustom(
    input: { [name: string]: unknown },
    path: (string | number)[],
    nodeDefinitions: NodeDefinitions | null = null,
  ): ParsedCustom {
    const issues = createIssueList(path);
    const given = (field: string): unknown => own(input, field) ?? null;

    const name = checkName(given('name'), catalogue, issues);
    const { graph, file } = readGraph(given('graph'), nodeDefinitions, issues);
    const outputs = checkOutputs(given('outputs'), graph, issues);
    const keepMetadata = checkFlag(given('keepMetadata'), issues);
    const editorWorkflow = checkEditorWorkflow(given('editorWorkflow'), ['editorWorkflow'], issues);
    const files = checkFiles(given('files'), graph, MAX_CUSTOM_FILES, issues);
    for (const field of Object.keys(input).slice(0, MAX_ISSUES + FIELDS.length)) {
      if (FIELDS.includes(field)) continue;
      issues.add([shorten(field)], 'unknown_field', `${quote(field)} is not a field; there are ${FIELDS.join(', ')}`);
    }

    const options = {
      ...(name !== null && { name }),
      ...(outputs && { outputs }),
      ...(keepMetadata && { keepMetadata }),
      ...(editorWorkflow !== null && { editorWorkflow }),
      ...(files && { files }),
    };
    const identityOf = (it: Json): Identity => ({
      ...options,
      graph: it,
      ...(outputs && { outputs: outputs.toSorted() }),
      ...(files && { files: files.toSorted((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1)) }),
    });
    if (!graph || issues.found.length > 0) {
      return { ok: false, issues: issues.found, identity: file === null ? null : identityOf(file) };
    }
    const parameters = { ...(file !== null && { editorWorkflow: file }), ...options, graph };
    const identity = identityOf(file ?? withoutTitles(graph));
    return { ok: true, parameters, identity, nodesTotal: Object.keys(graph).length };
  };
}

/** The graph, null where it is invalid; and a copy of what the editor has saved, where it is given instead. */
function readGraph(value: unknown, nodeDefinitions: NodeDefinitions | null, issues: IssueList) {
  if (value === null) issues.add(['graph'], 'required', 'expected a graph, got nothing');
  if (value === null || !isEditorWorkflow(value)) {
    return { graph: value === null ? null : checkGraph(value, ['graph'], issues), file: null };
  }
  if (!nodeDefinitions) throw new Error('what the editor saves is parsed without node definitions');
  const before = issues.found.length;
  const file = checkEditorWorkflow(value, ['graph'], issues);
  // More than a graph may have: not worth the time to convert them.
  const count = isObject(file) && Array.isArray(file.nodes) ? file.nodes.length : 0;
  if (count > graphLimits.nodes) {
    issues.add(['graph'], 'too_big', `expected at most ${graphLimits.nodes} nodes, got ${count}`);
  }
  if (issues.found.length > before) return { graph: null, file: null };
  const converted = convertWorkflow(file, nodeDefinitions);
  if (converted.ok) return { graph: checkGraph(converted.graph, ['graph'], issues), file };
  for (const fault of converted.faults) issues.add(['graph'], 'editor_format', fault);
  return { graph: null, file };
}

function withoutTitles(graph: Graph): { [id: string]: Json } {
  return Object.fromEntries(Object.entries(graph).map(([id, { class_type, inputs }]) => [id, { class_type, inputs }]));
}

function checkFlag(value: unknown, issues: IssueList): boolean {
  if (value === null || typeof value === 'boolean') return value ?? false;
  issues.add(['keepMetadata'], 'invalid_type', `expected true or false, got ${describe(value)}`);
  return false;
}

function checkName(name: unknown, catalogue: Pick<WorkflowCatalogue, 'get'>, issues: IssueList): string | null {
  if (name === null) return null;
  const expected = 'expected 1 to 64 characters of A-Z a-z 0-9 _ -';
  if (typeof name !== 'string') issues.add(['name'], 'invalid_type', `${expected}, got ${describe(name)}`);
  else if (!NAME.test(name)) issues.add(['name'], 'invalid_string', `${expected}, got ${describe(name)}`);
  else if (catalogue.get(name)) issues.add(['name'], 'name_taken', `${name} is a workflow of the catalogue`);
  else return name;
  return null;
}
