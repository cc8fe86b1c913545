import * as z from 'zod';
import type { Json } from '../../core/job.ts';
import { isObject } from '../../core/objects.ts';

/** Ids of nodes and links are numbers or texts; both are written as texts. */
const idSchema = z.union([z.number(), z.string()]).transform(String);
const noIds = z.array(idSchema).nullish().catch(null);
const nameSchema = z.string().catch('');

const inputSchema = z.object({
  name: nameSchema,
  label: z.string().nullish().catch(null),
  type: z.unknown().optional(),
  link: idSchema.nullish().catch(null),
  widget: z.object({ name: z.string() }).nullish().catch(null),
});
const outputSchema = z.object({ type: z.unknown().optional(), links: noIds });

const nodeSchema = z.object({
  id: idSchema,
  type: z.string(),
  mode: z.number().catch(0),
  title: z.string().nullish().catch(null),
  inputs: listOf(inputSchema),
  outputs: listOf(outputSchema),
  widgets_values: z.unknown().optional(),
  widgets_values_named: z.unknown().optional(),
  properties: z.unknown().optional(),
});

const linkTupleSchema = z.tuple([idSchema, idSchema, z.number(), idSchema, z.number()], z.unknown());
const linkObjectSchema = z.object({
  id: idSchema,
  origin_id: idSchema,
  origin_slot: z.number(),
  target_id: idSchema,
  target_slot: z.number(),
});
/** Both forms are taken wherever they stand: `version` says which one the editor expects, and files contradict it. */
const linkSchema = z.union([
  linkTupleSchema.transform(([id, originId, originSlot, targetId, targetSlot]): EditorLink => {
    return { id, originId, originSlot, targetId, targetSlot };
  }),
  linkObjectSchema.transform((it): EditorLink => {
    return {
      id: it.id,
      originId: it.origin_id,
      originSlot: it.origin_slot,
      targetId: it.target_id,
      targetSlot: it.target_slot,
    };
  }),
]);

const slotSchema = z.object({
  name: nameSchema,
  label: z.string().nullish().catch(null),
  type: z.unknown().optional(),
  linkIds: noIds,
});
const subgraphSchema = z.object({
  id: idSchema,
  name: nameSchema,
  nodes: z.array(nodeSchema),
  links: listOf(linkSchema),
  inputs: listOf(slotSchema),
  outputs: listOf(slotSchema),
});

const fileSchema = z.object({
  id: idSchema.nullish().catch(null),
  nodes: z.array(nodeSchema),
  links: listOf(linkSchema),
  definitions: z.object({ subgraphs: z.array(subgraphSchema).nullish() }).nullish(),
  extra: z.unknown().optional(),
});

export interface EditorLink {
  id: string;
  originId: string;
  originSlot: number;
  targetId: string;
  targetSlot: number;
}

export interface EditorNode {
  id: string;
  type: string;
  /** 2: muted, 4: bypassed; any other number: runs. */
  mode: number;
  title: string | null;
  inputs: EditorInput[];
  outputs: { type: unknown; links: string[] }[];
  /** By position, or an object by name. */
  values: unknown;
  /** By name, in files of newer editors. */
  namedValues: Map<string, Json>;
  properties: { [name: string]: unknown };
}

export interface EditorInput {
  name: string;
  label: string | null;
  type: unknown;
  link: string | null;
  /** The name of the widget that it belongs to. */
  widget: string | null;
}

/** The whole workflow, or the definition of a subgraph. */
export interface EditorGraph {
  id: string;
  name: string;
  nodes: Map<string, EditorNode>;
  links: Map<string, EditorLink>;
  inputs: EditorSlot[];
  outputs: EditorSlot[];
}

export interface EditorSlot {
  name: string;
  label: string | null;
  type: unknown;
  links: string[];
}

export interface WorkflowFile {
  root: EditorGraph;
  /** By their ids, which are the types of their instances. */
  subgraphs: Map<string, EditorGraph>;
  extra: { [name: string]: unknown };
}

/** In a subgraph, where the links from its inputs begin. */
export const SUBGRAPH_INPUT = '-10';
export const MUTED = 2;
export const BYPASSED = 4;

/**
 * Reads what matters of it, and leaves out links and slots that are in no form that is known. A text says which node
 * cannot be read.
 */
export function readWorkflowFile(value: unknown): WorkflowFile | string {
  const { success, data, error } = fileSchema.safeParse(value);
  if (!success) {
    const [{ path } = { path: [] }] = error.issues;
    return `Expected a workflow of ComfyUI's editor, with nodes that each have an id and a type: ${path.join('.')}.`;
  }
  const { id, nodes, links, definitions, extra } = data;
  const subgraphs = (definitions?.subgraphs ?? []).map((it): [string, EditorGraph] => [it.id, graphOf(it)]);
  return {
    root: graphOf({ id: id ?? '', name: '', nodes, links, inputs: [], outputs: [] }),
    subgraphs: new Map(subgraphs),
    extra: isObject(extra) ? extra : {},
  };
}

/** A list without what is no such thing. */
function listOf<T extends z.ZodType>(schema: T) {
  return z
    .array(schema.nullable().catch(null as never))
    .nullish()
    .catch(null)
    .transform((items) => (items ?? []).filter((item): item is NonNullable<typeof item> => item !== null));
}

function graphOf({ id, name, nodes, links, inputs, outputs }: z.output<typeof subgraphSchema>): EditorGraph {
  return {
    id,
    name,
    nodes: new Map(nodes.map((node) => [node.id, nodeOf(node)])),
    links: new Map(links.map((link) => [link.id, link])),
    inputs: inputs.map(slotOf),
    outputs: outputs.map(slotOf),
  };
}

function slotOf({ name, label, type, linkIds }: z.output<typeof slotSchema>): EditorSlot {
  return { name, label: label ?? null, type, links: linkIds ?? [] };
}

function nodeOf(node: z.output<typeof nodeSchema>): EditorNode {
  return {
    id: node.id,
    type: node.type,
    mode: node.mode,
    title: node.title ?? null,
    inputs: node.inputs.map(({ name, label, type, link, widget }) => {
      return { name, label: label ?? null, type, link: link ?? null, widget: widget?.name ?? null };
    }),
    outputs: node.outputs.map(({ type, links }) => ({ type, links: links ?? [] })),
    values: node.widgets_values,
    namedValues: new Map(
      isObject(node.widgets_values_named) ? (Object.entries(node.widgets_values_named) as [string, Json][]) : [],
    ),
    properties: isObject(node.properties) ? node.properties : {},
  };
}
