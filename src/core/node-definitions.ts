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

const inputSpecSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['INT', 'FLOAT']), min: limitSchema.exactOptional(), max: limitSchema.exactOptional() }),
  z.object({ kind: z.enum(['STRING', 'BOOLEAN']) }),
  /** `multiple`: takes a list of them too. `unchecked`: its ComfyUI takes what the list does not have. */
  z.object({
    kind: z.literal('COMBO'),
    options: z.array(choiceSchema),
    multiple: z.literal(true).exactOptional(),
    unchecked: z.literal(true).exactOptional(),
  }),
  /**
   * What its class checks by itself: names of input files above all. Their list is left out, since it changes with
   * every upload.
   */
  z.object({ kind: z.literal('OWN') }),
  z.object({ kind: z.literal('LINK'), type: z.string() }),
  /** Stands for inputs named `<its name>.<theirs>` that depend on its value: they are the server's to check. */
  z.object({ kind: z.literal('DYNAMIC') }),
]);

/** What an input of a node takes. `min` and `max` are the smallest and largest number. */
export type InputSpec = z.infer<typeof inputSpecSchema>;

const nodeClassSchema = z.object({
  /** Whether its nodes make results. */
  outputNode: z.boolean(),
  /** Left out by workers of before, and false: the lists of all classes are taken for those of packs. */
  stock: z.boolean().default(false),
  replacedBy: z.string().exactOptional(),
  required: z.record(z.string(), inputSpecSchema),
  optional: z.record(z.string(), inputSpecSchema),
  outputs: z.array(z.string()),
});

export interface NodeInput {
  required: boolean;
  spec: InputSpec;
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
  inputs: ReadonlyMap<string, NodeInput>;
  outputs: readonly string[];
}

/** What a ComfyUI says of its node classes, by name, without what is only for people. */
export type NodeDefinitions = ReadonlyMap<string, NodeClass>;

/** Node definitions from their JSON form. */
export const nodeDefinitionsSchema = z.record(z.string(), nodeClassSchema).transform(
  (classes): NodeDefinitions =>
    new Map(
      Object.entries(classes).map(([name, { required, optional, ...known }]) => {
        const inputs = new Map([...inputsOf(optional, false), ...inputsOf(required, true)]);
        return [name, { ...known, inputs }];
      }),
    ),
);

function inputsOf(specs: { [name: string]: InputSpec }, required: boolean): [string, NodeInput][] {
  return Object.entries(specs).map(([name, spec]) => [name, { required, spec }]);
}

/** The node definitions' text, one for equal node definitions (canonical JSON), and the SHA-256 of it in hex. */
export function encodeNodeDefinitions(nodeDefinitions: NodeDefinitions): { hash: string; text: string } {
  const classes = [...nodeDefinitions].map(([name, { inputs, outputs, stock, ...known }]): [string, Json] => {
    const specs = (wanted: boolean) =>
      Object.fromEntries(
        [...inputs].filter(([, { required }]) => required === wanted).map(([input, { spec }]) => [input, { ...spec }]),
      );
    const described = { ...known, required: specs(true), optional: specs(false), outputs: [...outputs] };
    return [name, stock ? { ...described, stock } : described];
  });
  const text = canonicalJson(Object.fromEntries(classes));
  return { hash: sha256(text), text };
}

/** Reads what `encodeNodeDefinitions` wrote. Throws on a text that is none of it. */
export function parseNodeDefinitions(text: string): NodeDefinitions {
  return nodeDefinitionsSchema.parse(JSON.parse(text));
}
