import type { Graph } from '../../core/graph.ts';
import { camelCase } from './rules.ts';
import type { Literal, Place, Wiring } from './wiring.ts';

const TITLE = /^\s*\$([A-Za-z_]\w*)((?:[\s,]+\$[A-Za-z_]\w*)*)\s*(?:[:\-–—]?\s*(\S.*))?$/;

/** The inputs that a node is likely to be marked for, where none is named like the mark. */
const MAIN_INPUTS =
  /^(?:text|string|value|prompt|image|audio|video|file|seed|noise_seed|\w*_name|tags|width|steps|strength\w*|filename_prefix)$/;

/** A title such as `$prompt` or `$prompt: what it shows`; several names stand for several inputs: `$width $height`. */
export interface Mark {
  name: string;
  description: string | null;
  literal: Literal;
}

/** The marked inputs, and a note for every mark that leads nowhere. */
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
      const literal = meantBy(name, literals);
      if (literal) {
        taken.add(literal.at.input);
        marks.push({ name, description: text ?? null, literal });
      } else notes.push(`the title $${name} marks node ${id} (${class_type}), which has no value to set`);
    }
  }
  return { marks, notes };
}

function meantBy(name: string, literals: (Literal | null)[]): Literal | null {
  const sameName = literals.find((it) => it && camelCase(it.at.input) === camelCase(name));
  return sameName ?? literals.find((it) => it && MAIN_INPUTS.test(it.at.input)) ?? literals[0] ?? null;
}
