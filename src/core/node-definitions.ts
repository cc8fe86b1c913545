import * as z from 'zod';
import { canonicalJson, sha256 } from './canonical-json.ts';
import type { Json } from './job.ts';

const choiceSchema = z.union([z.string(), z.number(), z.boolean()]);
/** A number, or the digits of a whole one that would be rounded. */
export const limitSchema = z.union([z.number(), z.string().regex(/^-?\d{16,309}$/)]);
export type Limit = z.infer<typeof limitSchema>;

/** To be compared with, exactly: JavaScript compares numbers of the two kinds by what they are. */
export function exactLimit(limit: Limit): number | bigint {
  return typeof limit === 'string' ? BigInt(limit) : limit;
}

/** How an input is shown to people. Everything is left out where it is not declared. */
const shownSchema = z.object({
  /** Whether the editor offers to change the value after each run; a text is the name of that choice. */
  control: z.union([z.boolean(), z.string()]).exactOptional(),
  /** Takes links only, though its type is one of values. */
  forceInput: z.literal(true).exactOptional(),
  /** Takes no link. */
  socketless: z.literal(true).exactOptional(),
  /** Is not shown at all. */
  hidden: z.literal(true).exactOptional(),
  /** The type by which it is edited, where that is another than its own. */
  widget: z.string().exactOptional(),
  /** A button for files of this kind is beside it: `image`, `audio`, `video` or `file`. */
  upload: z.string().exactOptional(),
  /** The folder that its files are in, where that is not the one for input files: `output`. */
  folder: z.string().exactOptional(),
});
export type Shown = z.infer<typeof shownSchema>;

/** Both are left out by workers of before. */
const declaredSchemas = {
  /** Left out, too, where `defaultOf` gives the same without. */
  default: z.custom<Json>().exactOptional(),
  /** A part of its own, since it is rare: an input that has none is read in a third of the time. */
  shown: shownSchema.exactOptional(),
};

const plainSpecSchemas = [
  z.object({
    ...declaredSchemas,
    kind: z.enum(['INT', 'FLOAT']),
    min: limitSchema.exactOptional(),
    max: limitSchema.exactOptional(),
  }),
  z.object({
    ...declaredSchemas,
    kind: z.literal('STRING'),
    multiline: z.literal(true).exactOptional(),
    /** The editor takes comments out, and chooses where the text says `{one|another}`. */
    dynamicPrompts: z.literal(true).exactOptional(),
  }),
  z.object({ ...declaredSchemas, kind: z.literal('BOOLEAN') }),
  /** `multiple`: takes a list of them too. `unchecked`: its ComfyUI takes what the list does not have. */
  z.object({
    ...declaredSchemas,
    kind: z.literal('COMBO'),
    options: z.array(choiceSchema),
    multiple: z.literal(true).exactOptional(),
    unchecked: z.literal(true).exactOptional(),
  }),
  /**
   * What its class checks by itself: names of input files above all. Their list is left out, since it changes with
   * every upload. `type`: its own, where it is no list.
   */
  z.object({ ...declaredSchemas, kind: z.literal('OWN'), type: z.string().exactOptional() }),
  /** `allowed`: the types that it takes where its own says only that what leaves the node is of the same one. */
  z.object({ ...declaredSchemas, kind: z.literal('LINK'), type: z.string(), allowed: z.string().exactOptional() }),
] as const;

/**
 * Stands for inputs named `<its name>.<theirs>`, which are the server's to check: those of the option that is its
 * value, or any number of one kind. Neither: its form is not known.
 */
export interface DynamicSpec {
  kind: 'DYNAMIC';
  default?: Json;
  shown?: Shown;
  options?: { key: string | number | boolean; inputs: NamedInput[] }[];
  /** What each of any number takes. */
  each?: InputSpec;
}

/** What an input of a node takes. `min` and `max` are the smallest and largest number. */
export type InputSpec = z.infer<(typeof plainSpecSchemas)[number]> | DynamicSpec;

const dynamicSpecSchema = z.object({
  ...declaredSchemas,
  kind: z.literal('DYNAMIC'),
  options: z.array(z.object({ key: choiceSchema, inputs: z.lazy(() => namedInputsSchema) })).exactOptional(),
  each: z.lazy((): z.ZodType<InputSpec> => inputSpecSchema).exactOptional(),
});
const inputSpecSchema = z.discriminatedUnion('kind', [...plainSpecSchemas, dynamicSpecSchema]);
const namedInputsSchema: z.ZodType<NamedInput[]> = z.array(
  z.object({ name: z.string(), required: z.boolean(), spec: inputSpecSchema }),
);

const nodeClassSchema = z.object({
  /** Whether its nodes make results. */
  outputNode: z.boolean(),
  /** Left out by workers of before, and false: the lists of all classes are taken for those of packs. */
  stock: z.boolean().default(false),
  replacedBy: z.string().exactOptional(),
  displayName: z.string().exactOptional(),
  required: z.record(z.string(), inputSpecSchema),
  optional: z.record(z.string(), inputSpecSchema),
  /** For each input in the class's order, its place among the required ones and then the optional ones by name. */
  order: z.array(z.int().min(0)).exactOptional(),
  outputs: z.array(z.string()),
  outputNames: z.array(z.string()).exactOptional(),
});

export interface NodeInput {
  required: boolean;
  spec: InputSpec;
}

export interface NamedInput extends NodeInput {
  name: string;
}

/** A class of nodes: its inputs by name, and the types of its outputs. */
export interface NodeClass {
  outputNode: boolean;
  /**
   * Whether it is part of ComfyUI. Classes of packs may check lists and limits by themselves, and take what these do
   * not have, which ComfyUI does not tell.
   */
  stock: boolean;
  /** The class that ComfyUI puts in its place. */
  replacedBy?: string;
  /** What people see, where it is another than the name. */
  displayName?: string;
  /** In the order in which the class declares them, if `ordered`. */
  inputs: ReadonlyMap<string, NodeInput>;
  /** Left out: workers of before wrote the definition, which tell neither the order nor what the editor is told. */
  ordered?: true;
  outputs: readonly string[];
  /** Left out where they are named as their types. */
  outputNames?: readonly string[];
}

/** What a ComfyUI says of its node classes, by name, without what is only for people. */
export type NodeDefinitions = ReadonlyMap<string, NodeClass>;

/** Node definitions from their JSON form. */
export const nodeDefinitionsSchema = z.record(z.string(), nodeClassSchema).transform(
  (classes): NodeDefinitions =>
    new Map(
      Object.entries(classes).map(([name, { required, optional, order, ...known }]): [string, NodeClass] => {
        const byName = [...inputsOf(required, true), ...inputsOf(optional, false)];
        const inOrder = order?.flatMap((at) => byName.slice(at, at + 1)) ?? [];
        const ordered = order !== undefined && { ordered: true as const };
        return [name, { ...known, ...ordered, inputs: new Map([...inOrder, ...byName]) }];
      }),
    ),
);

function inputsOf(specs: { [name: string]: InputSpec }, required: boolean): [string, NodeInput][] {
  return Object.keys(specs)
    .sort()
    .flatMap((name) => (specs[name] ? [[name, { required, spec: specs[name] }]] : []));
}

/** The node definitions' text, one for equal node definitions (canonical JSON), and the SHA-256 of it in hex. */
export function encodeNodeDefinitions(nodeDefinitions: NodeDefinitions): { hash: string; text: string } {
  const classes = [...nodeDefinitions].map(([name, { inputs, ordered, outputs, outputNames, stock, ...known }]) => {
    const specs = (wanted: boolean) =>
      Object.fromEntries(
        [...inputs].filter(([, { required }]) => required === wanted).map(([input, { spec }]) => [input, spec]),
      );
    const [required, optional] = [specs(true), specs(false)];
    const byName = [...Object.keys(required).sort(), ...Object.keys(optional).sort()];
    const places = new Map(byName.map((input, place) => [input, place]));
    const described = {
      ...known,
      required,
      optional,
      outputs,
      ...(stock && { stock }),
      ...(ordered && { order: [...inputs.keys()].map((input) => places.get(input) ?? 0) }),
      ...(outputNames && { outputNames }),
    };
    return [name, described];
  });
  const text = canonicalJson(Object.fromEntries(classes));
  return { hash: sha256(text), text };
}

/** Reads what `encodeNodeDefinitions` wrote. Throws on a text that is none of it. */
export function parseNodeDefinitions(text: string): NodeDefinitions {
  return nodeDefinitionsSchema.parse(JSON.parse(text));
}

/** The value that the editor begins with; undefined where that depends on the server, or there is none. */
export function defaultOf(spec: InputSpec): Json | undefined {
  if (spec.default !== undefined) return spec.default;
  switch (spec.kind) {
    case 'INT':
    case 'FLOAT':
      return 0;
    case 'STRING':
      return '';
    case 'BOOLEAN':
      return false;
    case 'COMBO':
      return spec.options[0];
    case 'DYNAMIC':
      return spec.options?.[0]?.key;
    default:
      return undefined;
  }
}
