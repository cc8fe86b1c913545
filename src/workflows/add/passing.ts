import type { GraphNode } from '../../core/graph.ts';
import type { InputSpec } from '../../core/node-definitions.ts';
import { gives, type Output, takesValue } from './declared.ts';

interface Place {
  node: string;
  input: string;
}

/** What is asked of a graph's wiring here. */
interface Wiring {
  node(id: string): GraphNode | undefined;
  inputs(id: string): string[];
  link(at: Place): { node: string; slot: number } | null;
  users(node: string): readonly (Place & { slot: number })[];
  spec(at: Place): InputSpec | undefined;
  outputs(node: string): readonly Output[] | null;
}

/** What nodes that hold a value call it, beside how it is shown. */
const VALUE_INPUT =
  /^(?:(?:default_)?value|default|(?:multiline_)?(?:text|string)|number|int(?:eger)?|float|bool(?:ean)?)$/i;
/** Their classes, where neither they nor those that use them are known. */
const VALUE_CLASS = /primitive|constant|^(?:int|float|string|text|seed|bool|number|value)/i;
/** Names of something else than the text that leaves the node. */
const POINTER = /path|file|url|dir(?:ectory)?$|folder/i;

/**
 * The input whose value leaves a node by this output as it is; null where the output is made of something. Such nodes
 * have one input, set by hand or linked, or are set by hand with one input that has the output's name, or is the only
 * one with a name such as `value`: the others then say how the node is shown. Where the class is not known, those that
 * use the output must be known to take a value.
 */
export function findPassing(wiring: Wiring, id: string, slot: number): string | null {
  const outputs = wiring.outputs(id);
  const names = wiring.inputs(id).filter((name) => name !== 'control_after_generate');
  if (!outputs) return valueIsUsed(wiring, id, slot, names) ? theOne(wiring, id, names, '') : null;
  const output = outputs[slot];
  if (!output) return null;
  const fitting = names.filter((input) => {
    const spec = wiring.spec({ node: id, input });
    return (
      spec &&
      takesValue(spec) &&
      gives(spec, output.type) &&
      !(/^(?:STRING|OWN)$/.test(spec.kind) && POINTER.test(input))
    );
  });
  const declared = names.filter((input) => wiring.spec({ node: id, input }) !== undefined);
  const input = theOne(wiring, id, declared, output.name);
  return input !== null && fitting.includes(input) ? input : null;
}

function theOne(wiring: Wiring, id: string, names: string[], outputName: string): string | null {
  const [only, ...others] = names;
  if (only === undefined || others.length === 0) return only ?? null;
  if (names.some((input) => wiring.link({ node: id, input }))) return null;
  const [first, ...more] = names.filter((name) => VALUE_INPUT.test(name));
  return names.find((name) => name === outputName) ?? (more.length === 0 ? (first ?? null) : null);
}

function valueIsUsed(wiring: Wiring, id: string, slot: number, names: string[]): boolean {
  const specs = wiring
    .users(id)
    .filter((user) => user.slot === slot)
    .map((user) => wiring.spec(user));
  if (specs.some((spec) => spec && spec.kind !== 'DYNAMIC')) {
    return specs.some((spec) => spec && takesValue(spec) && !(spec.kind === 'LINK'));
  }
  return VALUE_CLASS.test(wiring.node(id)?.class_type ?? '') || names.every((name) => VALUE_INPUT.test(name));
}

/** The input of a node that only holds one value, set by hand; null for other nodes. */
export function findHeld(wiring: Wiring, id: string): string | null {
  const slots = new Set(wiring.users(id).map(({ slot }) => slot));
  for (const slot of slots) {
    const input = findPassing(wiring, id, slot);
    if (input === null) continue;
    const value = typeof wiring.node(id)?.inputs[input];
    // A value on an input that takes links alone was not set there: it came with a part of the graph.
    if (wiring.spec({ node: id, input })?.kind !== 'LINK' && /^(?:string|number|boolean)$/.test(value)) return input;
  }
  return null;
}
