import { issuesAtNearestServer } from '../backends/nearest-server.ts';
import type { NodeDefinitionsDirectory } from '../backends/node-definitions.ts';
import type { InputIssue, IssueCode, IssueHints } from '../core/errors.ts';
import type { Json } from '../core/job.ts';
import { own } from '../core/objects.ts';
import { parseTemplate, type Template } from '../core/template.ts';
import type { GraphIssue } from '../core/validate-graph.ts';
import type { NewJob } from '../job-record/job-store.ts';
import { choiceHints, noSuchClass, notAChoice, suggestionOf } from '../workflows/choices.ts';
import { createIssueList } from '../workflows/issues.ts';
import type { JobCheck } from './accept-job.ts';

/** So many issues name the nearest choices; further ones would cost more than they help. */
const HINTS = 10;

/** Where more classes do not list what the graph names, it is hardly files that were copied just now. */
const LOOKED_AGAIN = 16;

const codes = {
  class: 'unknown_class',
  choice: 'not_a_choice',
  too_small: 'too_small',
  too_big: 'too_big',
  type: 'invalid_type',
  missing: 'required',
} as const satisfies Record<GraphIssue['kind'], IssueCode>;

/**
 * Whether one of the ComfyUIs can run a job, by what their workers have reported of them. If none can, the issues are
 * those of the one that has most of what it needs. A server that is up and whose classes nobody knows yet may be able
 * to: then its worker decides.
 */
export function createRunnableCheck(
  nodeDefinitions: Pick<NodeDefinitionsDirectory, 'tryRead' | 'lookAgain'>,
): JobCheck {
  return async (job, plan, path) => {
    const seen = await nodeDefinitions.tryRead();
    if (!seen || seen.some(({ status, nodeDefinitions }) => nodeDefinitions === null && status !== 'DOWN')) return [];
    let graphIssues = issuesAtNearestServer(plan, seen);
    if (graphIssues.length === 0) return [];
    if (graphIssues.every(({ kind }) => kind === 'choice')) {
      // Lists of files are as old as the workers' last look. ComfyUI reads them anew for each prompt.
      const classes = new Set(graphIssues.flatMap(({ classType }) => classType ?? []));
      const now = classes.size <= LOOKED_AGAIN ? await nodeDefinitions.lookAgain([...classes]) : null;
      if (now) graphIssues = issuesAtNearestServer(plan, now);
      if (graphIssues.length === 0) return [];
    }
    return job.template
      ? issuesOfParameters(graphIssues, parseTemplate(job.template.text), job.parameters, path)
      : ofGraph(graphIssues, path);
  };
}

/** The caller's own graph: where it is in there. */
function ofGraph(graphIssues: GraphIssue[], path: readonly (string | number)[]): InputIssue[] {
  const issues = createIssueList([...path, 'graph']);
  for (const graphIssue of graphIssues) {
    const at =
      graphIssue.nodeId === null
        ? []
        : [graphIssue.nodeId, ...(graphIssue.input === null ? ['class_type'] : ['inputs', graphIssue.input])];
    const hint = issues.found.length < HINTS;
    issues.add(at, codes[graphIssue.kind], messageOf(graphIssue, hint), hintsOf(graphIssue, hint));
  }
  return issues.found;
}

/** Of a workflow's graph: each is of the parameter that goes there, or of the workflow where there is none. */
export function issuesOfParameters(
  graphIssues: GraphIssue[],
  { parameters }: Template,
  given: NewJob['parameters'],
  path: readonly (string | number)[],
): InputIssue[] {
  const issues = createIssueList(path);
  const named = new Set<string>();
  for (const graphIssue of graphIssues) {
    // What is wrong with a whole object is not the fault of one value inside of it.
    const place = Object.entries(parameters).find(([, { targets }]) =>
      targets.some(({ node, input, path }) => node === graphIssue.nodeId && input === graphIssue.input && !path),
    );
    const hint = issues.found.length < HINTS;
    if (!place) {
      const message = `${placeOf(graphIssue)}: ${messageOf(graphIssue, hint)}`;
      issues.add([], codes[graphIssue.kind], message, hintsOf(graphIssue, hint));
      continue;
    }
    const [name, { values = {} }] = place;
    // Once where it goes to several places.
    if (named.has(name)) continue;
    named.add(name);
    const shown = underOwnNames(graphIssue, values);
    const index = indexOf(shown.given, own(given, name) ?? null);
    issues.add([name, ...index], codes[graphIssue.kind], messageOf(shown, hint), hintsOf(shown, hint));
  }
  return issues.found;
}

function placeOf({ nodeId, classType, input }: GraphIssue): string {
  if (nodeId === null) return 'the graph';
  return `${input === null ? '' : `${input} of `}node ${nodeId} (${classType})`;
}

/** The place of a value in what the caller gave, where that is a list. */
function indexOf(value: Json | undefined, given: Json | undefined): number[] {
  const index = Array.isArray(given) && value !== undefined ? given.indexOf(value) : -1;
  return index < 0 ? [] : [index];
}

/** What there is of an ENUM parameter's choices, as the API calls them; other issues as they are. */
function underOwnNames(graphIssue: GraphIssue, values: { [choice: string]: Json }): GraphIssue {
  const names = Object.entries(values);
  if (names.length === 0) return graphIssue;
  const given = names.find(([, value]) => value === graphIssue.given)?.[0] ?? graphIssue.given;
  const options = names
    .filter(([, value]) => graphIssue.options?.some((option) => option === value))
    .map(([name]) => name);
  return { ...graphIssue, ...(given !== undefined && { given }), options };
}

/** For a form. Classes are thousands: of them only the nearest is told. */
function hintsOf({ kind, given, options, minimum, maximum }: GraphIssue, hint: boolean): IssueHints {
  const bounds = { ...(minimum !== undefined && { minimum }), ...(maximum !== undefined && { maximum }) };
  if (!hint || !options) return bounds;
  const names = options.map(String);
  if (kind === 'class') return suggestionOf(given, names);
  return { ...bounds, ...choiceHints(typeof given === 'string' ? given : JSON.stringify(given), names) };
}

function messageOf({ kind, given, options, message }: GraphIssue, hint: boolean): string {
  if (!hint || !options || (kind !== 'choice' && kind !== 'class')) return message;
  const shown = typeof given === 'string' ? given : JSON.stringify(given);
  return kind === 'class' ? noSuchClass(shown, options.map(String)) : notAChoice(shown, options.map(String));
}
