import type { Json } from './job.ts';
import type { NamedInput, NodeClass, NodeInput } from './node-definitions.ts';
import { own } from './objects.ts';

/**
 * What an input of a node is: one of its class, or one behind a dynamic input, as `model.prompt` is where `model` has
 * the value whose option has a `prompt`. Undefined where there is none of that name.
 */
export function inputNamed(
  { inputs }: Pick<NodeClass, 'inputs'>,
  values: { [input: string]: Json },
  name: string,
): NodeInput | undefined {
  const known = inputs.get(name);
  if (known || !name.includes('.')) return known;
  const all = [...inputs].map(([each, input]): NamedInput => ({ name: each, ...input }));
  return findIn(all, values, '', name);
}

function findIn(
  inputs: readonly NamedInput[],
  values: { [input: string]: Json },
  prefix: string,
  name: string,
): NodeInput | undefined {
  for (const { name: each, required, spec } of inputs) {
    const path = `${prefix}${each}`;
    if (path === name) return { required, spec };
    if (spec.kind !== 'DYNAMIC' || !name.startsWith(`${path}.`)) continue;
    if (spec.each) return { required: false, spec: spec.each };
    const chosen = spec.options?.find(({ key }) => key === own(values, path));
    const found = chosen && findIn(chosen.inputs, values, `${path}.`, name);
    if (found) return found;
  }
  return undefined;
}
