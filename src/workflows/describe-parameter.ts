import type { WorkflowParameter } from './catalogue.ts';
import { toChoices } from './choices.ts';
import { type ManifestParameter, ONE_LINE } from './manifest.ts';
import type { ListLimits } from './values.ts';

/** The longest text of a parameter whose manifest has no `maxLength`, in characters. */
export const DEFAULT_TEXT_LENGTH = 10_000;

/** The bounds of parameters whose manifest has none, so that every value is bounded. GraphQL's Int has 32 bits. */
const DEFAULTS = {
  int: { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  seed: { minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  stringLength: DEFAULT_TEXT_LENGTH,
  modelLength: 255,
  listItems: 100,
};

const parameterTypes = {
  string: 'STRING',
  int: 'INT',
  float: 'FLOAT',
  boolean: 'BOOLEAN',
  enum: 'ENUM',
  seed: 'SEED',
  model: 'MODEL',
  file: 'FILE',
} as const;

/** A parameter of a manifest with every implied bound. `default` is copied without a check. */
export function describeParameter(name: string, declared: ManifestParameter): WorkflowParameter {
  const common: WorkflowParameter = {
    name,
    title: declared.title ?? inWords(name),
    advanced: declared.advanced,
    multiline: false,
    type: parameterTypes[declared.type],
    list: declared.list,
    required: declared.required,
    description: declared.description,
    default: ('default' in declared ? declared.default : null) ?? null,
    minimum: null,
    maximum: null,
    multipleOf: null,
    minLength: null,
    maxLength: null,
    enumType: null,
    choices: null,
    modelOf: null,
    file: null,
  };
  switch (declared.type) {
    case 'string': {
      const { minLength = null, maxLength = DEFAULTS.stringLength } = declared.limits;
      const multiline = declared.multiline ?? (declared.limits.maxLength ?? 0) > ONE_LINE;
      return { ...common, minLength, maxLength, multiline };
    }
    case 'int': {
      const { minimum = DEFAULTS.int.minimum, maximum = DEFAULTS.int.maximum, multipleOf = null } = declared.limits;
      return { ...common, minimum, maximum, multipleOf };
    }
    case 'float': {
      const { minimum = null, maximum = null, multipleOf = null } = declared.limits;
      return { ...common, minimum, maximum, multipleOf };
    }
    case 'seed': {
      const { minimum = DEFAULTS.seed.minimum, maximum = DEFAULTS.seed.maximum } = declared.limits;
      return { ...common, minimum, maximum };
    }
    case 'enum':
      return { ...common, enumType: declared.enumType, choices: toChoices(declared.choices) };
    case 'model':
      return { ...common, modelOf: declared.model, minLength: 1, maxLength: DEFAULTS.modelLength };
    case 'file':
      return { ...common, file: declared.file };
    case 'boolean':
      return common;
  }
}

/** A name as people write it: `Text to image` of `textToImage`. */
export function inWords(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .trim()
    .toLowerCase()
    .replace(/\b(?:cfg|fps)\b/g, (it) => it.toUpperCase());
  return words ? words.charAt(0).toUpperCase() + words.slice(1) : name;
}

export function listLimitsOf(declared: ManifestParameter): ListLimits {
  const { minItems = 0, maxItems = DEFAULTS.listItems } = declared.limits;
  return { minItems, maxItems };
}
