import { canonicalJson } from '../core/canonical-json.ts';
import type { InputIssue } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import type { Json } from '../core/job.ts';
import { own } from '../core/objects.ts';
import type { WorkflowCatalogue } from './catalogue.ts';
import { checkEditorWorkflow, checkFiles, checkOutputs } from './check-custom.ts';
import { checkGraph } from './check-graph.ts';
import { createIssueList, describe, type IssueList, MAX_ISSUES, quote, shorten } from './issues.ts';

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The most input files of one graph. */
export const MAX_CUSTOM_FILES = 16;

const FIELDS = ['graph', 'name', 'outputs', 'keepMetadata', 'editorWorkflow', 'files'];

/**
 * A caller's own graph after the check. `parameters` (see core/plan.ts) holds only what the caller gave. `identity` is
 * the same for inputs that ask for the same: without titles, and sorted where the order says nothing.
 */
export type ParsedCustom =
  | { ok: true; parameters: { [name: string]: Json }; identity: { [name: string]: Json }; nodesTotal: number }
  | { ok: false; issues: InputIssue[] };

/**
 * Creates the parser of `WorkflowInput.custom`, `{graph, name?, outputs?, keepMetadata?, editorWorkflow?, files?}`. A
 * field that is null counts as absent. It reports all faults at once, at most 50. Class names, inputs and cycles in the
 * graph are not checked here, since only a ComfyUI knows its nodes.
 */
export function createCustomParser({ catalogue }: { catalogue: Pick<WorkflowCatalogue, 'get'> }) {
  return function parseCustom(input: { [name: string]: unknown }, path: (string | number)[]): ParsedCustom {
    const issues = createIssueList(path);
    const given = (field: string): unknown => own(input, field) ?? null;

    const name = checkName(given('name'), catalogue, issues);
    const graph = given('graph');
    if (graph === null) issues.add(['graph'], 'required', 'expected a graph in API format, got nothing');
    const checked = graph === null ? null : checkGraph(graph, ['graph'], issues);
    const outputs = checkOutputs(given('outputs'), checked, issues);
    const keepMetadata = checkFlag(given('keepMetadata'), issues);
    const editorWorkflow = checkEditorWorkflow(given('editorWorkflow'), issues);
    const files = checkFiles(given('files'), checked, MAX_CUSTOM_FILES, issues);
    for (const field of Object.keys(input).slice(0, MAX_ISSUES + FIELDS.length)) {
      if (FIELDS.includes(field)) continue;
      issues.add([shorten(field)], 'unknown_field', `${quote(field)} is not a field; there are ${FIELDS.join(', ')}`);
    }
    if (!checked || issues.found.length > 0) return { ok: false, issues: issues.found };

    const parameters: { [name: string]: Json } = {
      graph: checked,
      ...(name !== null && { name }),
      ...(outputs && { outputs }),
      ...(keepMetadata && { keepMetadata }),
      ...(editorWorkflow !== null && { editorWorkflow }),
      ...(files && { files }),
    };
    const identity = {
      ...parameters,
      graph: withoutTitles(checked),
      ...(outputs && { outputs: outputs.toSorted() }),
      ...(files && { files: files.toSorted((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1)) }),
    };
    return { ok: true, parameters, identity, nodesTotal: Object.keys(checked).length };
  };
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
