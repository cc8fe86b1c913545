import { offeredModels, type SeenBackend } from '../backends/backends.ts';
import type { Json } from '../core/job.ts';
import { parameterText } from '../graphql/workflow/parameter-text.ts';
import type { Workflow, WorkflowParameter } from '../workflows/catalogue.ts';

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = { [keyword: string]: Json };

/** A longer list of models would be most of what an agent reads of a tool. */
const MOST_CHOICES = 100;

/** By exactly one of these; what they mean is the same for every file of every workflow. */
const FILE_FIELDS: JsonSchema = {
  url: { type: 'string', format: 'uri', description: 'A public https address, which the installation fetches.' },
  artifact: {
    type: 'string',
    description: 'The id of a result of one of your jobs, such as an earlier call names it.',
  },
  data: {
    type: 'string',
    contentEncoding: 'base64',
    description: 'The file itself in base64, for small ones; larger ones by create_upload.',
  },
  upload: { type: 'string', description: 'The id of an upload whose file was sent, see create_upload.' },
};

const FILE: JsonSchema = {
  type: 'object',
  properties: FILE_FIELDS,
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
};

/** The parameters of a workflow as the input of a tool. `backends`: of which the choices of models are taken. */
export function parametersSchema({ parameters }: Workflow, backends: readonly SeenBackend[]): JsonSchema {
  return Object.fromEntries(parameters.map((parameter) => [parameter.name, parameterSchema(parameter, backends)]));
}

function parameterSchema(parameter: WorkflowParameter, backends: readonly SeenBackend[]): JsonSchema {
  const { title, list, default: value } = parameter;
  const item = itemSchema(parameter, backends);
  const isThere =
    value !== null &&
    (!Array.isArray(item.enum) ||
      [value].flat().every((it) => item.enum === null || (item.enum as Json[]).includes(it)));
  return {
    ...(list ? { type: 'array', items: item } : item),
    title,
    description: parameterText(parameter),
    ...(isThere && { default: value }),
  };
}

function itemSchema(parameter: WorkflowParameter, backends: readonly SeenBackend[]): JsonSchema {
  const { type, minimum, maximum, multipleOf, minLength, maxLength, choices, modelOf } = parameter;
  const range = {
    ...(minimum !== null && { minimum }),
    ...(maximum !== null && { maximum }),
    ...(multipleOf !== null && { multipleOf }),
  };
  const length = { ...(minLength !== null && { minLength }), ...(maxLength !== null && { maxLength }) };
  switch (type) {
    case 'STRING':
      return { type: 'string', ...length };
    case 'INT':
    case 'SEED':
      return { type: 'integer', ...range };
    case 'FLOAT':
      return { type: 'number', ...range };
    case 'BOOLEAN':
      return { type: 'boolean' };
    case 'ENUM':
      return { type: 'string', enum: (choices ?? []).map((choice) => choice.value) };
    case 'MODEL': {
      const models = modelOf === null ? [] : offeredModels(backends, modelOf);
      const isListed = models.length > 0 && models.length <= MOST_CHOICES;
      return { type: 'string', ...(isListed ? { enum: models } : length) };
    }
    case 'FILE':
      return FILE;
  }
}
