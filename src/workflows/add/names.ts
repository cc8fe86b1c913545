import type { Graph } from '../../core/graph.ts';
import { inputTypeName, nameFault, typeNameFault } from '../check-names.ts';
import { ownName } from './declared.ts';
import type { Finding } from './finding.ts';
import { camelCase, upperFirst } from './rules.ts';
import type { Wiring } from './wiring.ts';

/** The longest part of a combined name, so that the name stays within 64 characters. */
const PART_LENGTH = 28;

/**
 * Returns a unique name for each finding, in their order. Marked findings keep their names. Of other findings with the
 * same name the first keeps it; the others get their node's title, their input or their node's class added where that
 * makes them unique, otherwise a number.
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
  const nodeOf = ({ at, places: [place] }: Finding) => graph[place?.node ?? at.node];
  const parts = [
    (it: Finding) => withoutKind(nodeOf(it)?._meta?.title ?? ''),
    ({ at }: Finding) => (ownName(at.input) === base ? '' : ownName(at.input)),
    (it: Finding) => nodeOf(it)?.class_type ?? '',
  ].map((part) => (it: Finding) => camelCase(part(it)).slice(0, PART_LENGTH));
  const tellsApart = (part: (it: Finding) => string) =>
    part(finding) !== '' && alike.filter((other) => part(other) === part(finding)).length === 1;
  const added = parts.filter(tellsApart).map((part) => part(finding));
  // `facePrompt` needs no second `prompt`.
  return [base, ...added.map((part) => (endsWith(part, base) ? part : `${base}${upperFirst(part)}`))];
}

function endsWith(name: string, word: string): boolean {
  return name.endsWith(upperFirst(word));
}

function firstFree(names: string[], taken: ReadonlySet<string>): string {
  const free = names.find((name) => !taken.has(name) && nameFault(name) === null);
  if (free !== undefined) return free;
  const base = names[0] ?? 'value';
  let number = 2;
  while (taken.has(`${base}${number}`)) number++;
  return `${base}${number}`;
}

const KIND = 'int|integer|float|number|string|text|boolean|bool|value';
/** Titles that say no more than what kind of value the node holds. */
const PLAIN_TITLE = new RegExp(`^(?:${KIND}|constant|primitive.*|.*literal|(?:${KIND}) \\(?multiline\\)?)$`, 'i');
/** `Int (Width)`, `String (Multiline - Prompt)`: the kind of value, and what it is. */
const KIND_FIRST = new RegExp(`^(?:${KIND})\\s*[(（](?:multiline\\s*-\\s*)?(.+)[)）]$`, 'i');

/** The title that the author gave a node; '' where it is that of its class, or says only what kind of value it is. */
export function ownTitle(wiring: Wiring, id: string): string {
  const node = wiring.node(id);
  const title = (node?._meta?.title ?? '').trim();
  const usual = [wiring.displayName(id), node?.class_type ?? ''].map(camelCase);
  return PLAIN_TITLE.test(title) || usual.includes(camelCase(title)) ? '' : withoutKind(title);
}

function withoutKind(title: string): string {
  return KIND_FIRST.exec(title.trim())?.[1] ?? title;
}

/** Nodes that a note names. */
const MOST_NAMED = 5;

/** `node 6 (Positive)`, `nodes 6 (Positive) and 7 (Negative)`, … for a note: at most five, and how many more. */
export function nodeNames(wiring: Wiring, ids: readonly string[]): string {
  const nodes = [...new Set(ids)].map((id) => {
    const node = wiring.node(id);
    return `${id} (${(node?._meta?.title || (node?.class_type ?? '')).slice(0, PART_LENGTH)})`;
  });
  const named = nodes.slice(0, MOST_NAMED);
  const more = nodes.length - named.length;
  const all = more > 0 ? [...named, `${more} more`] : named;
  const last = all.pop() ?? '';
  return nodes.length === 1 ? `node ${last}` : `nodes ${all.join(', ')} and ${last}`;
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
