import { socketType, typeOf } from './class-inputs.ts';
import type { Conversion } from './scope.ts';
import type { EditorInput, EditorNode } from './workflow-file.ts';

interface Slot {
  type: string;
  link: string | null;
}

/**
 * The link that leaves a bypassed node's output instead: that of the input with the same number if its type fits, else
 * of the first of the type that is wanted, else of the first that fits. Null: nothing passes, although a later input
 * may be linked.
 */
export function passThrough(conversion: Conversion, node: EditorNode, slot: number, wanted: string): string | null {
  const inputs = slotsOf(conversion, node);
  const same = inputs[slot];
  if (wanted === '' || wanted === '*') return (same ?? inputs[0])?.link ?? null;
  const output = outputType(conversion, node, slot);
  const fits = ({ type }: Slot) => typesFit(type, output) && typesFit(type, wanted);
  if (same && fits(same)) return same.link;
  const found = inputs.find(({ type }) => type === wanted) ?? inputs.find(fits);
  return found?.link ?? null;
}

/** Inputs as the editor orders them: sockets, then the sockets of widgets, then what the class does not have. */
function slotsOf(conversion: Conversion, node: EditorNode): Slot[] {
  const linkOf = (wanted: string) => node.inputs.find(({ name }) => name === wanted)?.link ?? null;
  const definition = conversion.definitionOf(node);
  if (definition) return definition.inputs.map(({ name, type }) => ({ type: typeText(type), link: linkOf(name) }));
  const values = conversion.valuesOf(node);
  if (!values) return node.inputs.map(({ type, link }) => ({ type: typeText(type), link }));
  const seen = new Set<string>();
  const slot = (name: string, type: string): Slot => {
    seen.add(name);
    return { type: type === 'COMFY_MATCHTYPE_V3' ? '*' : type, link: linkOf(name) };
  };
  const sockets = values.sockets.flatMap(({ name, type, growing }) =>
    growing ? grown(node, name).map((each) => slot(each.name, type)) : [slot(name, type)],
  );
  const widgets = [...values.widgets].flatMap(([name, { spec }]) =>
    spec.shown?.socketless === true ? [] : [slot(name, spec.kind === 'LINK' ? socketType(spec) : typeOf(spec))],
  );
  const others = node.inputs.filter(({ name, widget }) => !seen.has(name) && widget === null);
  return [...sockets, ...widgets, ...others.map(({ type, link }) => ({ type: typeText(type), link }))];
}

function grown({ inputs }: EditorNode, name: string): EditorInput[] {
  return inputs.filter((input) => input.name.startsWith(`${name}.`));
}

function outputType(conversion: Conversion, node: EditorNode, slot: number): string {
  const outputs = conversion.definitionOf(node)?.outputs ?? conversion.classOf(node)?.outputs ?? node.outputs;
  const output = outputs[slot];
  const type = typeof output === 'string' ? output : typeText(output?.type);
  return type === 'COMFY_MATCHTYPE_V3' ? '*' : type;
}

export function typeText(type: unknown): string {
  return typeof type === 'string' ? type : Array.isArray(type) ? 'COMBO' : '*';
}

/** Whether a link may join them: they have a type in common, whatever its case, or one of them takes any. */
function typesFit(a: string, b: string): boolean {
  const [left, right] = [a, b].map((type) => type.toUpperCase().split(','));
  if (!left || !right || a === '' || b === '' || left.includes('*') || right.includes('*')) return true;
  return left.some((type) => right.includes(type));
}
