import { ownTitle } from './names.ts';
import { countStages, onlyFinds } from './stages.ts';
import type { Literal, Wiring } from './wiring.ts';

/** A text that flows into an input. */
export interface Prompt {
  literal: Literal;
  /** How many nodes are between. */
  distance: number;
  /** The samplers that read it; where there are none, the node that makes something of it. */
  users: Set<string>;
  /** Whether a sampler or the like reads it. */
  sampled: boolean;
}

/**
 * The main one of the texts that say what the result shows, in this order:
 * 1. one that a sampler reads, and not only a node that finds something by it, such as what to cut out,
 * 2. one of the first stage: refiners, detailers and films of a picture come after what makes the picture,
 * 3. one in a node that holds a value, which was added to be set, and whose title calls it a prompt; the last is one
 *    whose title calls it a template or instructions,
 * 4. one in a node that holds a value at all,
 * 5. the one with the fewest nodes before the input that reads it: instructions and templates of a model that writes
 *    the prompt come from further away than the prompt, which can also skip them,
 * 6. the first of numbered ones, otherwise the longest.
 */
export function chooseMain<T extends Prompt>(wiring: Wiring, prompts: readonly T[]): T | null {
  if (prompts.length < 2) return prompts[0] ?? null;
  const stages = new Set(prompts.flatMap(({ users }) => [...users]));
  const before = countStages(wiring, stages);
  const keys = new Map(
    prompts.map((prompt): [T, number[]] => {
      const { literal, users, sampled, distance } = prompt;
      const made = [...users].filter((id) => !onlyFinds(wiring, id));
      const holds = wiring.held(literal.place.node) !== null;
      const title = holds ? ownTitle(wiring, literal.place.node) : '';
      const isTemplate = /system|negativ|template|instruct/i.test(title);
      const titled = isTemplate ? 2 : Number(!/prompt/i.test(title));
      const stage = Math.min(...(made.length > 0 ? made : [...users]).map((id) => before.get(id) ?? 0));
      const length = String(literal.value).length;
      return [
        prompt,
        [
          +!(sampled && made.length > 0),
          +(made.length === 0),
          stage,
          titled,
          +!holds,
          distance,
          +isLater(prompt, prompts),
          -length,
        ],
      ];
    }),
  );
  const [first] = [...prompts].sort((a, b) => compare(keys.get(a) ?? [], keys.get(b) ?? []));
  return first ?? null;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((key, index) => key !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

/** Whether another one is of the same node, and has an input with the same name and a smaller number. */
function isLater({ literal: { place } }: Prompt, prompts: readonly Prompt[]): boolean {
  const [name, number] = numbered(place.input);
  return prompts.some(({ literal: { place: other } }) => {
    const [same, before] = numbered(other.input);
    return other.node === place.node && same === name && before < number;
  });
}

function numbered(input: string): [name: string, number: number] {
  return [input.replace(/\d+/g, '#'), Number(/\d+/.exec(input)?.[0] ?? 0)];
}
