import type { Graph } from '../../core/graph.ts';
import { inputTypeName, nameFault, typeNameFault } from '../check-names.ts';
import type { Finding } from './finding.ts';
import { camelCase, upperFirst } from './rules.ts';

/** The longest part of a combined name, so that the name stays within 64 characters. */
const PART_LENGTH = 28;

/**
 * Returns a unique name for each finding, in their order. Marked findings keep their names. Of other findings with the
 * same name the first keeps it; the others get their node's title or their input added where that makes them unique,
 * otherwise a number.
 */
export function nameParameters(findings: readonly Finding[], graph: Graph): string[] {
  const taken = new Set(findings.filter(({ marked }) => marked).map(({ name }) => name));
  return findings.map((finding) => {
    if (finding.marked) return finding.name;
    const name = firstFree(candidates(finding, findings, graph), taken);
    taken.add(name);
    return name;
  });
}

function candidates(finding: Finding, findings: readonly Finding[], graph: Graph): string[] {
  const base = nameFault(finding.name) ? 'value' : finding.name.slice(0, PART_LENGTH);
  const alike = findings.filter(({ name, marked }) => name === finding.name && !marked);
  const partOf = ({ at }: Finding) => camelCase(graph[at.node]?._meta?.title ?? '').slice(0, PART_LENGTH);
  const tellsApart = (part: (it: Finding) => string) =>
    part(finding) !== '' && alike.filter((other) => part(other) === part(finding)).length === 1;
  const inputOf = ({ at }: Finding) => camelCase(at.input).slice(0, PART_LENGTH);
  return [
    base,
    ...(tellsApart(partOf) ? [`${base}${upperFirst(partOf(finding))}`] : []),
    ...(tellsApart(inputOf) ? [`${base}${upperFirst(inputOf(finding))}`] : []),
  ];
}

function firstFree(names: string[], taken: ReadonlySet<string>): string {
  const free = names.find((name) => !taken.has(name) && nameFault(name) === null);
  if (free !== undefined) return free;
  const base = names[0] ?? 'value';
  let number = 2;
  while (taken.has(`${base}${number}`)) number++;
  return `${base}${number}`;
}

/**
 * Makes a workflow's name of a file's name: `myExport` of `my-export.json`. A name that GraphQL or the gateway does not
 * allow is changed.
 */
export function workflowName(file: string): string {
  const name = camelCase(file.replace(/^.*[\\/]/, '').replace(/\.[a-z]\w{1,10}$/i, '')).slice(0, 50);
  const beginning = /^\d/.test(name) ? `workflow${name}` : name || 'exported';
  return workflowNameFault(beginning) ? `${beginning}Workflow` : beginning;
}

/** Why a workflow cannot have this name, or null. */
export function workflowNameFault(name: string): string | null {
  if (name === 'custom') return "custom is the field for a caller's own graph";
  return nameFault(name) ?? typeNameFault(inputTypeName(name));
}
