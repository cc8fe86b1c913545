import type { WorkflowParameter } from '../../workflows/catalogue.ts';

function text(value: number): string {
  return value === Number.MAX_SAFE_INTEGER ? '2^53-1' : String(value);
}

function range(minimum: number | null, maximum: number | null): string | null {
  if (minimum !== null && maximum !== null) return `${text(minimum)} to ${text(maximum)}`;
  if (minimum !== null) return `at least ${text(minimum)}`;
  return maximum === null ? null : `at most ${text(maximum)}`;
}

function limits({ type, minimum, maximum, multipleOf, minLength, maxLength }: WorkflowParameter): string | null {
  const length = range(minLength, maxLength);
  const parts = [
    // The bounds of its type alone say nothing.
    type === 'INT' && minimum === -(2 ** 31) && maximum === 2 ** 31 - 1 ? null : range(minimum, maximum),
    multipleOf === null ? null : `a multiple of ${multipleOf}`,
    length === null ? null : `${length} characters`,
  ].filter((part) => part !== null);
  return parts.length ? parts.join(', ') : null;
}

const fileTexts = { image: 'a picture', mask: 'a picture that is a mask', audio: 'sound', video: 'a film' };

/** A model is no default of the schema: which one an installation has is not the API's to say. */
function whenAbsent({ type, required, default: value }: WorkflowParameter): string | null {
  if (type === 'FILE' && !required) return "absent: the graph's own";
  if (type !== 'MODEL') return null;
  return typeof value === 'string' ? `absent: \`${value}\`` : "absent: the graph's own";
}

/** What a parameter is for and what it takes, as the description of its field. */
export function parameterText(parameter: WorkflowParameter): string {
  const kind = parameter.file && fileTexts[parameter.file];
  const facts = [kind, limits(parameter), whenAbsent(parameter)].filter((fact) => fact !== null).join('; ');
  const sentence = facts ? `${facts[0]?.toUpperCase()}${facts.slice(1)}.` : null;
  return (
    [parameter.description, sentence].filter((part) => part !== null).join(' ') || `The parameter ${parameter.name}.`
  );
}
