import type { Graph } from '../../core/graph.ts';
import { camelCase } from './rules.ts';
import type { Literal, Place, Wiring } from './wiring.ts';

const TITLE = /^\s*\$([A-Za-z_]\w*)((?:[\s,]+\$[A-Za-z_]\w*)*)\s*(?:[:\-–—]?\s*(\S.*))?$/;

/** The inputs that a mark most likely means, where the node has no input of the mark's name. */
const MAIN_INPUTS = new RegExp(
  String.raw`^(?:text|string|value|prompt|image|audio|video|file|seed|noise_seed|\w*_name|tags|width|steps|` +
    String.raw`strength\w*|filename_prefix)$`,
);

/**
 * A mark in a node's title: `$prompt`, or `$prompt: description`. Several names mark several inputs: `$width $height`.
 */
export interface Mark {
  name: string;
  description: string | null;
  literal: Literal;
}

/** Finds the marked inputs, and makes a note for every mark without an input. */
export function findMarks(graph: Graph, wiring: Wiring): { marks: Mark[]; notes: string[] } {
  const marks: Mark[] = [];
  const notes: string[] = [];
  for (const [id, { class_type, inputs, _meta }] of Object.entries(graph)) {
    const [, first, others = '', text] = TITLE.exec(_meta?.title ?? '') ?? [];
    if (first === undefined) continue;
    const taken = new Set<string>();
    for (const name of [first, ...(others.match(/\w+/g) ?? [])]) {
      const literals = Object.keys(inputs)
        .map((input): Place => ({ node: id, input }))
        .map((at) => wiring.literal(at))
        .filter((literal) => literal !== null && !taken.has(literal.at.input));
      const literal = literalFor(name, literals);
      if (literal) {
        taken.add(literal.at.input);
        marks.push({ name, description: text ?? null, literal });
      } else notes.push(`the title $${name} marks node ${id} (${class_type}), which has no value to set`);
    }
  }
  return { marks, notes };
}

function literalFor(name: string, literals: (Literal | null)[]): Literal | null {
  const sameName = literals.find((it) => it && camelCase(it.at.input) === camelCase(name));
  return sameName ?? literals.find((it) => it && MAIN_INPUTS.test(it.at.input)) ?? literals[0] ?? null;
}
