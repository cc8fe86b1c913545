import type { Graph } from '../../core/graph.ts';
import type { NodeDefinitions } from '../../core/node-definitions.ts';
import { nameFault } from '../check-names.ts';
import type { AppMode } from '../editor/app-mode.ts';
import { ownName, writtenChoices } from './declared.ts';
import { findEmptySlots } from './empty-slots.ts';
import { findChosen } from './find-chosen.ts';
import { findLeftOut } from './find-left-out.ts';
import { findFile, findModel, pathNotes } from './find-loaded.ts';
import { findPrompts } from './find-prompts.ts';
import { findWithin } from './find-within.ts';
import type { Finding, Takes } from './finding.ts';
import { findMarks, type Mark } from './marks.ts';
import { ownTitle } from './names.ts';
import { numberType } from './number-type.ts';
import { findPlaceholders } from './placeholders.ts';
import { isEcho, isProseName } from './prose.ts';
import { camelCase, jsonType, LAST_RANK, OF_THE_HOUSE, ruleFor, ruleNamed } from './rules.ts';
import { createWiring, keyOf, type Literal, type Wiring } from './wiring.ts';

/**
 * Finds the inputs that callers would want to set: prompts, input files, models, inputs whose names are in the rules,
 * nodes that only hold a value, and inputs that titles mark. Where there are none, it returns every input with a
 * literal value. `notes` say what was not sure, and which texts were left as they are.
 */
export function findParameters(
  graph: Graph,
  nodeDefinitions: NodeDefinitions,
  app: AppMode | null = null,
): { findings: Finding[]; notes: string[] } {
  const wiring = createWiring(graph, nodeDefinitions);
  const { marks, notes } = findMarks(graph, wiring);
  const empty = findEmptySlots(wiring);
  const literals = literalsOf(wiring).filter(({ place }) => !empty.has(place));
  const placeholders = findPlaceholders(wiring, literals);
  const prompts = findPrompts(wiring);
  const within = findWithin(wiring, nodeDefinitions);
  const known = [
    ...placeholders.findings,
    ...prompts.findings,
    ...within.findings,
    ...literals.flatMap((literal) => {
      const found = findFile(literal, wiring) ?? findModel(literal, graph, wiring) ?? byRule(literal, wiring);
      return found ? [found] : [];
    }),
    ...literals.flatMap((literal) => held(literal, graph, wiring)),
  ];
  const found = merged(firstOfPlace(known));
  if (app && app.inputs.length > 0) {
    const chosen = findChosen(app, wiring, found, (literal) => anything(literal, graph, wiring));
    if (chosen.findings.length > 0) return chosen;
    notes.push('no input that the app shows can be set: parameters are found as where there is no app');
  }
  const marked = applyMarks(marks, found, wiring, graph, notes);
  const others = [...placeholders.notes, ...empty.notes, ...within.notes, ...pathNotes(wiring)];
  if (marked.length > 0) {
    const left = findLeftOut(wiring, marked);
    return { findings: inOrder(marked), notes: [...notes, ...prompts.notes, ...left, ...others] };
  }
  const rest = literals.flatMap((literal) => {
    const ofNoUse = OF_THE_HOUSE.test(ownName(literal.at.input)) || isEcho(wiring, literal.at);
    return ofNoUse ? [] : [anything(literal, graph, wiring)];
  });
  return { findings: firstOfPlace(rest), notes: [...notes, ...others] };
}

function literalsOf(wiring: Wiring): Literal[] {
  return wiring.ids.flatMap((node) => wiring.inputs(node).flatMap((input) => wiring.literal({ node, input }) ?? []));
}

function byRule(literal: Literal, wiring: Wiring): Finding | null {
  const { at, place, value } = literal;
  const rule = ruleFor(ownName(at.input), value, wiring.inputs(at.node).map(ownName));
  // Texts are found by what they are for, and not by what their inputs are called.
  if (!rule || rule.takes.type === 'string' || isEcho(wiring, at)) return null;
  if (rule.name === 'denoise' && value === 1 && !continues(at.node, wiring)) return null;
  const { name, takes, description, merge, rank } = rule;
  // Width and height are compared as a pair: two nodes with equal widths and other heights are different sizes.
  const pair = ['width', 'height'].map((input) => wiring.literal({ node: at.node, input })?.value).join('x');
  const key = name === 'width' || name === 'height' ? pair : String(value);
  return { name, takes, description, value, at, places: [place], sameAs: merge ? key : null, rank };
}

/** Whether a sampler starts from a picture, and not from an empty latent, which noise replaces completely. */
function continues(sampler: string, wiring: Wiring, input = 'latent_image', depth = 0): boolean {
  const from = wiring.link({ node: sampler, input });
  const node = from && wiring.node(from.node);
  if (!from || !node || depth > 20) return false;
  if (/VAEEncode|Inpaint|LatentUpscale|LoadLatent/.test(node.class_type)) return true;
  return ['samples', 'latent', 'latent_image'].some((name) => continues(from.node, wiring, name, depth + 1));
}

/**
 * A node that only holds a value was added to be set, so it becomes a parameter. It is named after its title, otherwise
 * after the input that its value goes to.
 */
function held({ at, value }: Literal, graph: Graph, wiring: Wiring): Finding[] {
  if (wiring.held(at.node) !== at.input) return [];
  // The place of the choice among the others is a value of its own, which would stay as it is.
  const isIndexed = wiring.users(at.node).some(({ slot }) => slot === 1);
  if (isIndexed && writtenChoices(wiring.node(at.node)).length > 0) return [];
  const goesTo = useOf(wiring, at.node);
  const finding = goesTo && !OF_THE_HOUSE.test(goesTo) && anything({ at, place: at, value }, graph, wiring);
  if (!finding) return [];
  const title = ownTitle(wiring, at.node);
  // A text that is no prompt by what reads it is not called one.
  const use = typeof value === 'string' && isProseName(goesTo) ? at.input : goesTo;
  const name = camelCase(title) || camelCase(ownName(use)) || (typeof value === 'string' ? 'text' : 'value');
  return [{ ...finding, name, description: title ? `${title}.` : finding.description }];
}

/** Inputs of nodes that calculate or choose, whose names say nothing of what becomes of the value. */
const BETWEEN = /^(?:source|any\w*|value|values?|input|[a-z]|on_true|on_false|anything|(?:string|int|float)_?[a-z]?)$/i;

/** The name of the first input with a name of its own that a value flows to, also through calculations. */
function useOf(wiring: Wiring, id: string): string {
  const seen = new Set([id]);
  let open = [id];
  let first = '';
  while (open.length > 0) {
    const users = open.flatMap((node) => wiring.users(node));
    const use = users.find(({ input }) => !BETWEEN.test(ownName(input)));
    if (use) return ownName(use.input);
    first ||= users[0]?.input ?? '';
    open = [...new Set(users.map(({ node }) => node))].filter((node) => !seen.has(node));
    for (const node of open) seen.add(node);
  }
  return first;
}

function anything({ at, place, value }: Literal, graph: Graph, wiring: Wiring): Finding {
  const node = graph[at.node];
  const takes = takesOf({ at, place, value }, wiring);
  const description = `${at.input} of ${node?._meta?.title || node?.class_type}.`;
  const name = camelCase(ownName(at.input)) || 'value';
  const guess = typeof value === 'number' && numberType(wiring, at) === null ? { guess: 'number' as const } : {};
  return { name, takes, description, value, at, places: [place], sameAs: null, rank: LAST_RANK, ...guess };
}

/**
 * The type of a value, as the class declares it. A number of which nobody knows is a Float: ComfyUI cuts 1.5 to 1 where
 * only whole numbers go, but an Int would keep callers from what goes there otherwise.
 */
function takesOf({ at, value }: Literal, wiring: Wiring): Takes {
  if (typeof value === 'boolean') return { type: 'boolean' };
  if (typeof value === 'number') return { type: numberType(wiring, at) ?? 'float' };
  const kind = wiring.spec(at)?.kind;
  const isChoice = kind === 'COMBO' || kind === 'DYNAMIC';
  const isOwnChoice = kind === 'OWN' && writtenChoices(wiring.node(at.node)).length > 0;
  return isChoice || isOwnChoice ? { type: 'enum' } : { type: 'string' };
}

/** Keeps the first finding of each place, since a place can have only one parameter. */
function firstOfPlace(findings: Finding[]): Finding[] {
  const taken = new Set<string>();
  return findings.filter(({ places: [place] }) => {
    const key = place ? keyOf(place) : '';
    const first = !taken.has(key);
    taken.add(key);
    return first;
  });
}

/** Merges findings that mean the same thing in several places into one parameter. */
function merged(findings: Finding[]): Finding[] {
  const all: Finding[] = [];
  for (const finding of findings) {
    const same = all.find(
      (other) => finding.sameAs !== null && other.name === finding.name && other.sameAs === finding.sameAs,
    );
    if (same) same.places.push(...finding.places);
    else all.push({ ...finding, places: [...finding.places] });
  }
  return all;
}

/** Makes parameters of marked places, named after their marks. Places with the same mark become one parameter. */
function applyMarks(marks: Mark[], found: Finding[], wiring: Wiring, graph: Graph, notes: string[]): Finding[] {
  const marked = new Map<string, Finding>();
  const takenBy = new Map<string, string>();
  for (const { name, description, literal } of marks) {
    const fault = nameFault(name);
    const key = keyOf(literal.place);
    // A value that several nodes get can be marked at each of them.
    const taken = takenBy.get(key);
    if (taken !== undefined) {
      if (taken !== name)
        notes.push(`the title $${name} of node ${literal.at.node} marks what $${taken} marks already`);
      continue;
    }
    const known = found.find(({ places }) => places.some((place) => keyOf(place) === key));
    const finding = known ?? anything(literal, graph, wiring);
    if (fault || !finding) {
      notes.push(`the title $${name} of node ${literal.at.node} is no name: ${fault}`);
      continue;
    }
    const other = marked.get(name);
    if (other && jsonType(other.takes) !== jsonType(finding.takes)) {
      notes.push(`the title $${name} of node ${literal.at.node} marks another type of value than the one before`);
      continue;
    }
    takenBy.set(key, name);
    const { takes = finding.takes, rank = finding.rank } = sameType(ruleNamed(name), finding) ?? {};
    marked.set(name, {
      ...finding,
      name,
      takes: known ? finding.takes : takes,
      rank,
      description: description ?? finding.description,
      places: [...(other?.places ?? []), literal.place],
      marked: true,
    });
  }
  const places = new Set([...marked.values()].flatMap((finding) => finding.places.map(keyOf)));
  const unmarked = found
    .map((finding) => ({ ...finding, places: finding.places.filter((place) => !places.has(keyOf(place))) }))
    .filter((finding) => finding.places.length > 0);
  return [...marked.values(), ...unmarked];
}

function sameType(
  rule: { takes: Takes; rank: number } | null,
  finding: Finding,
): { takes: Takes; rank: number } | null {
  return rule && jsonType(rule.takes) === jsonType(finding.takes) && rule.takes.type !== 'enum' ? rule : null;
}

function inOrder(findings: Finding[]): Finding[] {
  return [...findings].sort((a, b) => a.rank - b.rank);
}
