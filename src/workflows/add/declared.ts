import type { GraphNode } from '../../core/graph.ts';
import type { InputSpec, NodeClass } from '../../core/node-definitions.ts';

export interface Output {
  type: string;
  name: string;
}

/** The outputs of a class; null where it is not known. */
export function outputsOf(nodeClass: NodeClass | undefined): readonly Output[] | null {
  if (!nodeClass) return null;
  return nodeClass.outputs.map((type, slot) => ({ type, name: nodeClass.outputNames?.[slot] ?? type }));
}

/** The name of an input without those of the dynamic inputs that it stands behind: `prompt` of `model.prompt`. */
export function ownName(input: string): string {
  return input.slice(input.lastIndexOf('.') + 1);
}

/** Whether a type stands for any: that of switches and reroutes, for example. */
export function isAny(type: string): boolean {
  return type === '*' || type === 'COMFY_MATCHTYPE_V3';
}

/** Whether the value of an input can leave by an output of this type as it is. */
export function gives(spec: InputSpec, type: string): boolean {
  const types = type.split(',');
  if (spec.kind === 'LINK') return types.includes(spec.type) || isAny(spec.type) || types.some(isAny);
  if (spec.kind === 'DYNAMIC') return false;
  // A choice of one's own, as that of CustomCombo, leaves as a text.
  if (spec.kind === 'OWN') return types.includes('STRING');
  return types.some(isAny) || types.includes(spec.kind) || (spec.kind === 'INT' && types.includes('FLOAT'));
}

/** The choices of a CustomCombo, which the author of a graph writes into the node, and its class does not declare. */
export function writtenChoices(node: GraphNode | undefined): string[] {
  if (node?.class_type !== 'CustomCombo') return [];
  return Object.entries(node.inputs).flatMap(([input, value]) =>
    /^option\d+$/.test(input) && typeof value === 'string' && value !== '' ? [value] : [],
  );
}

/** Whether an input takes a value: a text, a number, a choice, or anything. */
export function takesValue(spec: InputSpec): boolean {
  return spec.kind === 'LINK' ? isAny(spec.type) || /^(?:STRING|INT|FLOAT|BOOLEAN|COMBO)$/.test(spec.type) : true;
}
