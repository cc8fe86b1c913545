import type { ParameterType, Workflow, WorkflowParameter } from '../installation.ts';
import { listOf, unionOf, type WorkflowInput } from './write-types.ts';

const TYPES: Record<ParameterType, string> = {
  BOOLEAN: 'boolean',
  ENUM: 'string',
  FILE: 'FileInput',
  FLOAT: 'number',
  INT: 'number',
  // Of any name: what is offered changes with the servers that run.
  MODEL: 'string',
  SEED: 'number',
  STRING: 'string',
};

/** As the gateway tells of its workflows. */
export function inputsOfCatalogue(workflows: Workflow[]): WorkflowInput[] {
  return workflows.map(({ name, description, parameters }) => ({
    name,
    description: description ?? undefined,
    fields: parameters.map((parameter) => ({
      name: parameter.name,
      type: typeOf(parameter),
      required: parameter.required,
      description: describe(parameter),
    })),
  }));
}

function typeOf({ type, choices, list }: WorkflowParameter): string {
  const one = type === 'ENUM' && choices ? unionOf(choices.map(({ value }) => value)) : TYPES[type];
  return list ? listOf(one) : one;
}

function describe(parameter: WorkflowParameter): string {
  const { title, description, minimum, maximum, multipleOf, maxLength } = parameter;
  const fallback = parameter.default;
  return [
    description ?? `${title}.`,
    minimum !== null && maximum !== null && `${minimum} to ${maximum}.`,
    multipleOf !== null && `A multiple of ${multipleOf}.`,
    maxLength !== null && `At most ${maxLength} characters.`,
    fallback !== null && `Default: ${JSON.stringify(fallback)}.`,
  ]
    .filter(Boolean)
    .join(' ');
}
