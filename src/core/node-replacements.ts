import * as z from 'zod';
import type { NodeClass, NodeDefinitions, NodeInput } from './node-definitions.ts';

/** `old_id`: the input of the old class that the new one's is taken from. Without it a fixed value is set. */
const inputMapSchema = z.object({ new_id: z.string(), old_id: z.string().optional() });

/** The first of a class's replacements is the one that ComfyUI makes. */
const replacementsOfSchema = z
  .tuple([z.object({ new_node_id: z.string(), input_mapping: z.array(inputMapSchema).nullish() })], z.unknown())
  .transform(([{ new_node_id, input_mapping }]) => ({ to: new_node_id, inputs: input_mapping ?? [] }));

/** What ComfyUI puts in the place of classes that it no longer has, by their names. */
export type NodeReplacements = z.output<typeof nodeReplacementsSchema>;

/** A ComfyUI's answer to `GET /node_replacements`. What is in no form that is known is left out. */
export const nodeReplacementsSchema = z
  .record(z.string(), replacementsOfSchema.nullable().catch(null))
  .transform((all) => new Map(Object.entries(all).flatMap(([name, it]) => (it ? [[name, it] as const] : []))));

/**
 * These classes, and under its old name each that ComfyUI replaces by one of them before it looks at a graph. Left out
 * are those that it refuses all the same, since what their replacement requires is not among the inputs that it copies.
 */
export function withReplaced(classes: NodeDefinitions, replacements: NodeReplacements): NodeDefinitions {
  const replaced = [...replacements].flatMap(([name, { to, inputs }]): [string, NodeClass][] => {
    const known = classes.get(to);
    if (!known || classes.has(name)) return [];
    const filled = new Set(inputs.map(({ new_id }) => new_id));
    const isFilled = ([input, { required, spec }]: [string, NodeInput]) =>
      !required || spec.kind === 'DYNAMIC' || filled.has(input);
    if (![...known.inputs].every(isFilled)) return [];
    // Each input that is copied must be there: ComfyUI fails without.
    const own = inputs.flatMap(({ new_id, old_id }): [string, NodeInput][] => {
      const spec = known.inputs.get(new_id)?.spec ?? { kind: 'LINK', type: '*' };
      return old_id === undefined ? [] : [[old_id, { required: true, spec }]];
    });
    // How the editor showed the old class is not known.
    const { ordered: _, ...rest } = known;
    return [[name, { ...rest, inputs: new Map(own), replacedBy: to }]];
  });
  return replaced.length === 0 ? classes : new Map([...classes, ...replaced]);
}
