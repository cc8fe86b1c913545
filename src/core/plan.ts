import * as z from 'zod';
import { type FileKind, type FileSource, fileKinds, fileSourceSchema } from './file-source.ts';
import { type Graph, graphSchema } from './graph.ts';
import type { Json } from './job.ts';
import { isObject, own } from './objects.ts';
import { replaceAt, type Target, valueAt } from './target.ts';
import { bindTemplate, type Template } from './template.ts';

/** Where an input file goes once a ComfyUI has it. */
export interface FilePlace {
  source: FileSource;
  /** null: whatever it is. */
  kind: FileKind | null;
  targets: Target[];
  /** Place in a list of files; null where the input takes one. */
  index: number | null;
  /** Where its source stands in the job's parameters. */
  at: (string | number)[];
}

/** All that running a job needs: what its workflow and parameters come to. */
export interface Plan {
  /** Its own copy. Inputs that take files hold the graph's own value until `putFile`. */
  graph: Graph;
  files: FilePlace[];
  /** Nodes whose results are wanted, and their names; null: every final result. */
  outputs: ReadonlyMap<string, string | null> | null;
  /** Whether PNG files keep the workflow that ComfyUI writes into them. */
  keepMetadata: boolean;
  /** The graph as ComfyUI's editor has it, for nodes that read it; null: none. */
  editorWorkflow: Json;
}

/** What `custom` takes, as `createCustomParser` leaves it. */
const customSchema = z.object({
  graph: graphSchema,
  outputs: z.array(z.string()).exactOptional(),
  keepMetadata: z.boolean().exactOptional(),
  editorWorkflow: z.custom<Json>().exactOptional(),
  files: z
    .array(
      z.object({
        node: z.string(),
        input: z.string(),
        kind: z.enum(fileKinds).exactOptional(),
        file: fileSourceSchema,
      }),
    )
    .exactOptional(),
});

/**
 * The plan of a job; `template` null: of `custom`, whose graph is a parameter. Throws where they do not fit each other.
 */
export function planOf(template: Template | null, parameters: { [name: string]: Json }): Plan {
  return template === null ? planOfCustom(parameters) : planOfTemplate(template, parameters);
}

function planOfCustom(parameters: { [name: string]: Json }): Plan {
  const { graph, outputs, keepMetadata = false, editorWorkflow = null, files = [] } = customSchema.parse(parameters);
  return {
    graph,
    outputs: outputs ? new Map(outputs.map((node) => [node, null])) : null,
    keepMetadata,
    editorWorkflow,
    files: files.map(({ node, input, kind, file }, i) => ({
      source: file,
      kind: kind ?? null,
      targets: [{ node, input }],
      index: null,
      at: ['files', i, 'file'],
    })),
  };
}

function planOfTemplate(template: Template, parameters: { [name: string]: Json }): Plan {
  const files = Object.entries(template.parameters).flatMap(([name, { file, targets }]): FilePlace[] => {
    const given = own(parameters, name);
    if (!file || given === null || given === undefined) return [];
    const place = (source: Json, index: number | null) => ({
      source: fileSourceSchema.parse(source),
      kind: file,
      targets,
      index,
      at: index === null ? [name] : [name, index],
    });
    return Array.isArray(given) ? given.map(place) : [place(given, null)];
  });
  return {
    graph: bindTemplate(template, parameters),
    files,
    outputs: template.outputs ? new Map(template.outputs.map(({ node, name }) => [node, name])) : null,
    keepMetadata: template.keepMetadata ?? false,
    editorWorkflow: null,
  };
}

/** Puts the name under which a ComfyUI knows the file into a graph that nobody else holds. */
export function putFile(graph: Graph, { targets, index }: FilePlace, name: string): void {
  for (const { node, input, path = [] } of targets) {
    const inputs = own(graph, node)?.inputs;
    if (!inputs) throw new Error(`the graph has no node ${node}`);
    if (index === null) {
      inputs[input] = replaceAt(inputs[input], path, name);
      continue;
    }
    const before = valueAt(inputs[input], path);
    const known = isWrapped(before) ? before.__value__ : before;
    const list = Array.isArray(known) && index > 0 ? [...known] : [];
    list[index] = name;
    // A bare list is a link where the whole input is one.
    inputs[input] = replaceAt(inputs[input], path, path.length === 0 ? { __value__: list } : list);
  }
}

function isWrapped(value: Json | undefined): value is { __value__: Json[] } {
  return isObject(value) && Array.isArray(value.__value__);
}
