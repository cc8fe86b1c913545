import { isLongInteger } from '../../core/exact-json.ts';
import type { Takes } from './finding.ts';

/** What is known about an input by its name. */
export interface Rule {
  name: string;
  takes: Takes;
  description: string;
  /** Whether equal values in several nodes become one parameter. */
  merge: boolean;
}

interface RuleRow extends Rule {
  input: RegExp;
  /** Another input that the node must have for the rule to apply. */
  beside?: RegExp;
}

const size = { minimum: 64, maximum: 2048, multipleOf: 8 };
const SIZED = /^(?:width|height|seconds)$/;

/** Their order is the order of the parameters in a manifest. */
const rows: RuleRow[] = [
  row(/^(?:prompt|positive_prompt|positive|tags)$/, 'prompt', 'What it shows or sounds like.', {
    type: 'string',
    required: true,
    maxLength: 5000,
  }),
  row(/^lyrics$/, 'lyrics', 'What is sung.', { type: 'string', maxLength: 5000 }),
  row(/^(?:negative_prompt|negative)$/, 'negativePrompt', 'What it does not show.', {
    type: 'string',
    maxLength: 2000,
  }),
  row(/^width$/, 'width', 'Width in pixels.', { type: 'int', ...size }),
  row(/^height$/, 'height', 'Height in pixels.', { type: 'int', ...size }),
  {
    ...row(/^(?:length|video_frames|num_frames|frames)$/, 'length', 'How many pictures the film has.', {
      type: 'int',
      minimum: 1,
      maximum: 241,
    }),
    beside: SIZED,
  },
  row(/^(?:seconds|duration)$/, 'seconds', 'How long it is.', { type: 'float', minimum: 1, maximum: 300 }),
  row(/^(?:fps|frame_rate)$/, 'fps', 'How many pictures are shown in a second.', {
    type: 'float',
    minimum: 1,
    maximum: 120,
  }),
  row(/^steps$/, 'steps', 'How many steps the sampler takes: more are slower and usually finer.', {
    type: 'int',
    minimum: 1,
    maximum: 150,
  }),
  row(/^cfg(?:_scale)?$/, 'cfgScale', 'How closely the result follows the prompt.', {
    type: 'float',
    minimum: 1,
    maximum: 30,
  }),
  row(/^guidance(?:_scale)?$/, 'guidance', 'How closely the result follows the prompt.', {
    type: 'float',
    minimum: 0,
    maximum: 100,
  }),
  row(/^denoise$/, 'denoise', 'How far to leave what it begins with: 0 keeps it, 1 forgets it.', {
    type: 'float',
    minimum: 0,
    maximum: 1,
  }),
  row(/^sampler(?:_name)?$/, 'sampler', 'The sampling method.', { type: 'enum', shared: 'Sampler' }),
  row(/^scheduler$/, 'scheduler', 'How the noise falls from step to step.', { type: 'enum', shared: 'Scheduler' }),
  row(
    /^(?:noise_|rand(?:om)?_)?seed$/,
    'seed',
    'Where the noise starts: the same seed and input make the same result. Random when absent.',
    { type: 'seed' },
  ),
  {
    ...row(/^batch_size$/, 'batchSize', 'How many to make at once.', { type: 'int', minimum: 1, maximum: 4 }),
    beside: SIZED,
  },
  alone(/^(?:strength\w*|\w+_strength)$/, '', 'How strongly it counts.', { type: 'float', minimum: -10, maximum: 10 }),
  alone(/^scale_by$/, 'scaleBy', 'How many times as large the result is.', {
    type: 'float',
    minimum: 0.01,
    maximum: 8,
  }),
  alone(/^megapixels$/, 'megapixels', 'Size of the result in million pixels.', {
    type: 'float',
    minimum: 0.01,
    maximum: 16,
  }),
  alone(/^color$/, 'color', 'Red, green and blue as one number: 0 is black, 16777215 white.', {
    type: 'int',
    minimum: 0,
    maximum: 16_777_215,
  }),
];

/** The rule for an input, and its index. Null where no rule has the name, or the value has another type. */
export function ruleFor(input: string, value: unknown, siblings: readonly string[]): (Rule & { rank: number }) | null {
  const rank = rows.findIndex(
    (candidate) =>
      candidate.input.test(input) && (!candidate.beside || siblings.some((it) => candidate.beside?.test(it))),
  );
  const found = rows[rank];
  const isLongSeed = found?.takes.type === 'seed' && isLongInteger(value);
  if (!found || !(isLongSeed || typeof value === jsonType(found.takes))) return null;
  return { ...found, name: found.name || camelCase(input), rank };
}

/** The rule whose parameter has this name, and its index. */
export function ruleNamed(name: string): (Rule & { rank: number }) | null {
  const rank = rows.findIndex((candidate) => candidate.name === name);
  const found = rows[rank];
  return found ? { ...found, rank } : null;
}

/** Inputs that control how a graph runs, and not what it makes. They never become parameters unless they are marked. */
export const OF_THE_HOUSE =
  /^(?:filename_prefix|weight_dtype|device|type|format|codec|quality|compress_level|control_after_generate)$/;

/** The rank of parameters without a rule: after all others. */
export const LAST_RANK = rows.length;

/** The ranks of files, before sizes, and of models, after seeds. */
export const FILE_RANK = 1.5;
export const MODEL_RANK = rows.findIndex(({ name }) => name === 'seed') + 0.5;

export function jsonType({ type }: Takes): 'string' | 'number' | 'boolean' {
  if (type === 'boolean') return 'boolean';
  return type === 'int' || type === 'float' || type === 'seed' ? 'number' : 'string';
}

/** `strengthModel` for `strength_model` and `Strength model`. Only ASCII letters and digits are kept; may be ''. */
export function camelCase(text: string): string {
  const words = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((word) => (/^[A-Z0-9]+$/.test(word) ? word.toLowerCase() : word));
  return words.map((word, index) => (index === 0 ? lowerFirst(word) : upperFirst(word))).join('');
}

export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function row(input: RegExp, name: string, description: string, takes: Takes): RuleRow {
  return { input, name, description, takes, merge: true };
}

function alone(input: RegExp, name: string, description: string, takes: Takes): RuleRow {
  return { ...row(input, name, description, takes), merge: false };
}
