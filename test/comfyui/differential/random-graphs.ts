import type { Graph } from '../../../src/core/graph.ts';
import type { Json } from '../../../src/core/job.ts';
import type { InputSpec, NodeClass } from '../../../src/core/node-definitions.ts';

/** A node of this class with random values, and a preview behind it, so that it is needed. The first has none wrong. */
export function* randomGraphs(className: string, known: NodeClass, rounds: number, seed: number): Generator<Graph> {
  const random = createRandom(`${seed} ${className}`);
  for (let round = 0; round < rounds; round++) {
    const inputs: { [name: string]: Json } = {};
    const names = [...known.inputs.keys()];
    const faulty = round === 0 ? null : names[Math.floor(random() * names.length)];
    for (const [name, { required, spec }] of known.inputs) {
      if (!required && name !== faulty && random() < 0.3) continue;
      const value = name === faulty ? wrongValue(spec, random) : rightValue(spec, random);
      if (value !== undefined) inputs[name] = value;
    }
    const graph: Graph = { 1: { class_type: className, inputs } };
    if (known.outputs.length > 0) graph['2'] = { class_type: 'PreviewAny', inputs: { source: ['1', 0] } };
    yield graph;
  }
}

/** A literal stands where a link belongs: it fails only when the node runs. */
function rightValue(spec: InputSpec, random: () => number): Json {
  switch (spec.kind) {
    case 'INT':
    case 'FLOAT':
      return Math.max(Number(spec.min ?? 1), Math.min(Number(spec.max ?? 1), 1));
    case 'COMBO':
      return pick(spec.options, random) ?? 'none';
    case 'BOOLEAN':
      return random() < 0.5;
    default:
      return 'x';
  }
}

/** What ComfyUI may refuse; undefined: none at all. */
function wrongValue(spec: InputSpec, random: () => number): Json | undefined {
  const any: (Json | undefined)[] = [undefined, 'not there', 'sub/new.mp4', null, {}, ''];
  switch (spec.kind) {
    case 'INT':
    case 'FLOAT': {
      const beyond = [Number(spec.min ?? -1e6) - 1, Number(spec.max ?? 1e6) + 1, -1e15, 1e15];
      return pick([...any, ...beyond, ...beyond, ...beyond, ' 7 ', '1.5', true, { __value__: [1] }], random);
    }
    case 'COMBO': {
      const [first = 'none'] = spec.options;
      const near = [`${first} `, String(first).toUpperCase(), 'new.safetensors', { __value__: ['not there'] }, 0, true];
      return pick([...any, ...near], random);
    }
    default:
      return pick(any, random);
  }
}

function pick<T>(items: readonly T[], random: () => number): T | undefined {
  return items[Math.floor(random() * items.length)];
}

/** The same numbers, 0 to 1, for the same text (mulberry32 from an FNV-1a hash). */
function createRandom(text: string): () => number {
  let state = 0x811c9dc5;
  for (const character of text) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
