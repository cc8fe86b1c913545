import * as z from 'zod';
import { fileKinds } from '../core/file-source.ts';
import { artifactKinds } from '../core/job.ts';
import { stepSchema } from '../core/target.ts';
import { graphLimits } from './bounded-copy.ts';

const target = z.strictObject({
  node: z.string().describe('Id of the node in graph.json.'),
  input: z.string().describe('Name of its input; one that the graph gives a value, not a link.'),
  path: z
    .array(stepSchema)
    .min(1)
    .max(graphLimits.depth)
    .exactOptional()
    .describe('Keys and indices that lead to a value inside of the object that the input is; absent: all of it.'),
});

const common = {
  title: z.string().min(1).max(100).optional().describe('For forms; absent: its name in words.'),
  advanced: z.boolean().default(false).describe('Whether forms may hide it until it is asked for.'),
  description: z.string().min(1).max(1000).describe('What it does, for the callers.'),
  required: z.boolean().default(false),
  targets: z.array(target).min(1).describe('Where the value goes.'),
};
const CHOICE = "expected ComfyUI's name or [GraphQL name, ComfyUI's name]";
const list = z.boolean().default(false).describe('Takes a list of such values.');
const itemLimits = {
  minItems: z.int().min(0).optional(),
  maxItems: z.int().min(1).max(1000).optional(),
};
/** The most characters of a text that forms give one line, unless the manifest says otherwise. */
export const ONE_LINE = 255;
/** A default value. It is later checked against the parameter's limits, like the value of a caller. */
const defaultValue = z.json().optional();

const intLimits = { minimum: z.int().optional(), maximum: z.int().optional(), multipleOf: z.int().min(1).optional() };
const floatLimits = {
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  multipleOf: z.number().positive().optional(),
};
const stringLimits = { minLength: z.int().min(0).optional(), maxLength: z.int().min(1).max(1_000_000).optional() };

const parameterSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('string'),
    ...common,
    list,
    default: defaultValue,
    limits: z.strictObject({ ...stringLimits, ...itemLimits }).default({}),
    multiline: z
      .boolean()
      .optional()
      .describe(`Whether forms give it several lines; absent: whether its maxLength is over ${ONE_LINE}.`),
  }),
  z.strictObject({
    type: z.literal('int'),
    ...common,
    list,
    default: defaultValue,
    limits: z.strictObject({ ...intLimits, ...itemLimits }).default({}),
  }),
  z.strictObject({
    type: z.literal('float'),
    ...common,
    list,
    default: defaultValue,
    limits: z.strictObject({ ...floatLimits, ...itemLimits }).default({}),
  }),
  z.strictObject({
    type: z.literal('boolean'),
    ...common,
    list,
    default: defaultValue,
    limits: z.strictObject(itemLimits).default({}),
  }),
  z.strictObject({
    type: z.literal('enum'),
    ...common,
    list,
    enumType: z.string().describe('Name of the GraphQL enum type; workflows may share one whose choices are equal.'),
    choices: z
      .array(z.union([z.string().min(1), z.tuple([z.string(), z.string().min(1)])], { error: CHOICE }))
      .min(1)
      .describe("ComfyUI's names, or pairs of a GraphQL name and ComfyUI's name."),
    default: defaultValue.describe('Under its GraphQL name.'),
    limits: z.strictObject(itemLimits).default({}),
  }),
  z.strictObject({
    type: z.literal('seed'),
    ...common,
    list,
    default: defaultValue,
    limits: z.strictObject({ minimum: z.int().optional(), maximum: z.int().optional(), ...itemLimits }).default({}),
  }),
  z.strictObject({
    type: z.literal('model'),
    ...common,
    list,
    model: z.string().describe('Class.input, whose options at the running servers are the choices.'),
    default: defaultValue,
    limits: z.strictObject(itemLimits).default({}),
  }),
  z.strictObject({
    type: z.literal('file'),
    ...common,
    list,
    file: z.enum(fileKinds).describe('What it must be; its bytes are looked at.'),
    limits: z.strictObject(itemLimits).default({}),
  }),
]);

const constraintSchema = z.strictObject({
  megapixels: z
    .tuple([z.string(), z.string()])
    .describe('Width and height: their product is at most MAX_MEGAPIXELS million.'),
});

const outputSchema = z.strictObject({
  node: z.string().describe('Id of the node in graph.json whose results are wanted; temporary ones, too.'),
  name: z.string().min(1).max(64).optional().describe("The artifacts' `output`."),
});

/** `manifest.json`: the title of a workflow, its parameters, and the inputs of its graph that they set. */
export const manifestSchema = z.strictObject({
  $schema: z.string().optional(),
  title: z.string().min(1).max(100),
  description: z.string().min(1).max(1000),
  parameters: z.record(z.string(), parameterSchema),
  constraints: z.array(constraintSchema).default([]),
  outputs: z.array(outputSchema).min(1).optional().describe('Only the results of these; all final ones unless said.'),
  makes: z
    .array(z.enum(artifactKinds))
    .min(1)
    .optional()
    .describe('Kinds of its results; absent: found by the classes of its output nodes.'),
  keepMetadata: z.boolean().default(false).describe('Leaves in PNG files the graph that ComfyUI writes into them.'),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestParameter = z.infer<typeof parameterSchema>;
export type ManifestConstraint = z.infer<typeof constraintSchema>;

/** The form of a manifest as a JSON Schema, for editors. It is stored as `workflows/manifest.schema.json`. */
export function manifestJsonSchema() {
  return z.toJSONSchema(manifestSchema, { io: 'input' });
}
