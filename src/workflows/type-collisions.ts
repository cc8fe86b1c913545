import { canonicalJson } from '../core/canonical-json.ts';
import type { CatalogueFault, Choice, Workflow } from './catalogue.ts';
import { inputTypeName } from './check-names.ts';

/** `parameters`: none where the folder cannot be used, whose name is taken all the same. */
type Named = Pick<Workflow, 'name' | 'parameters'>;

/** Whose a GraphQL type is. `choices`: of an enum type, equal for equal choices; of an input type null. */
interface Owner {
  name: string;
  choices: string | null;
}

/**
 * Faults of workflows that would have a type which one before them has already: two names that give one input type,
 * such as `upscale` and `Upscale`, and an enum type under the name of another. Workflows may share an enum type when
 * its choices are equal. Whether there are any does not depend on the order, only who is to blame.
 */
export function typeCollisions(workflows: readonly Named[]): CatalogueFault[] {
  const taken = new Map<string, Owner>();
  const faults: CatalogueFault[] = [];

  function claim(type: string, own: Owner, fault: (other: Owner) => CatalogueFault): void {
    const other = taken.get(type);
    if (other === undefined) taken.set(type, own);
    else if (own.choices === null || own.choices !== other.choices) faults.push(fault(other));
  }

  for (const workflow of workflows) {
    const type = inputTypeName(workflow.name);
    claim(type, { name: workflow.name, choices: null }, ({ name, choices }) => ({
      file: workflow.name,
      field: '',
      reason: `its input type would be ${type}, ${choices === null ? 'as that' : 'an enum type'} of ${name}`,
    }));
    for (const { name, enumType, choices } of workflow.parameters) {
      if (enumType === null || choices === null) continue;
      claim(enumType, { name: `${workflow.name}.${name}`, choices: textOf(choices) }, (other) => ({
        file: `${workflow.name}/manifest.json`,
        field: `parameters.${name}.enumType`,
        reason:
          other.choices === null
            ? `${enumType} is the input type of ${other.name}`
            : `${enumType} has other choices at ${other.name}; name it otherwise`,
      }));
    }
  }
  return faults;
}

/** Equal for equal choices, whatever their order. */
function textOf(choices: Choice[]): string {
  return canonicalJson(choices.map(({ value, label }) => `${value}=${label}`).sort());
}
