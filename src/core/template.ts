import * as z from 'zod';
import { canonicalJson, sha256 } from './canonical-json.ts';
import { fileKinds } from './file-source.ts';
import { type Graph, graphSchema } from './graph.ts';
import type { Json } from './job.ts';
import { own } from './objects.ts';
import { inputOf, replaceAt, stepSchema, type Target, valueAt } from './target.ts';

/**
 * A target in a template's text. One with a path has no `input`: versions that do not know paths would put the value in
 * the place of the whole object, and refuse what has none.
 */
const storedTargetSchema = z.union([
  z.object({ node: z.string(), input: z.string() }),
  z
    .object({ node: z.string(), within: z.tuple([z.string(), stepSchema], stepSchema) })
    .transform(({ node, within: [input, ...path] }): Target => ({ node, input, path })),
]);

/**
 * What a worker needs of a workflow: its graph and where each parameter goes. Kept in Redis under its hash, so that a
 * job runs on the template it was accepted with whatever has been installed since.
 */
export const templateSchema = z.object({
  name: z.string(),
  graph: graphSchema,
  parameters: z.record(
    z.string(),
    z.object({
      targets: z.array(storedTargetSchema.transform((target): Target => target)),
      /** ENUM: GraphQL name -> ComfyUI's name. */
      values: z.record(z.string(), z.json()).exactOptional(),
      /** FILE: what it must be. Its value is put in by whoever has brought it to the server. */
      file: z.enum(fileKinds).exactOptional(),
    }),
  ),
  /** The nodes whose results are wanted, named or not; absent: every final result. */
  outputs: z.array(z.object({ node: z.string(), name: z.string().nullable() })).exactOptional(),
  keepMetadata: z.boolean().exactOptional(),
});
export type Template = z.infer<typeof templateSchema>;

/** The template's text, one for equal templates (canonical JSON), and the SHA-256 of it in hex. */
export function encodeTemplate(template: Template): { hash: string; text: string } {
  const parameters = Object.entries(template.parameters).map(([name, parameter]) => {
    return [name, { ...parameter, targets: parameter.targets.map(storedTarget) }] as const;
  });
  const text = canonicalJson({ ...template, parameters: Object.fromEntries(parameters) });
  return { hash: sha256(text), text };
}

function storedTarget({ node, input, path }: Target): { [name: string]: Json } {
  return path ? { node, within: [input, ...path] } : { node, input };
}

/** Reads what `encodeTemplate` wrote. Throws on a text that is no template. */
export function parseTemplate(text: string): Template {
  return templateSchema.parse(JSON.parse(text));
}

/**
 * The template's graph with the parameters put in; the template stays as it is. A parameter without a value (absent or
 * null) leaves the graph's own, and so does a file. Throws where template and parameters do not fit each other, which
 * validation excludes.
 */
export function bindTemplate(template: Template, parameters: { [name: string]: Json }): Graph {
  const graph = copyOf(template.graph);
  for (const [name, { targets, values, file }] of Object.entries(template.parameters)) {
    const given = own(parameters, name);
    if (file || given === undefined || given === null) continue;
    const value = values ? translate(template, name, values, given) : given;
    for (const target of targets) {
      const { node, input, path = [] } = target;
      const inputs = own(graph, node)?.inputs;
      const before = inputs && own(inputs, input);
      if (!inputs || valueAt(before, path) === undefined) {
        const place = `${node}.${inputOf(target)}`;
        throw new Error(`template ${template.name}: ${name} goes to ${place}, which the graph does not have`);
      }
      inputs[input] = replaceAt(before, path, literal(value, target));
    }
  }
  return graph;
}

/** Nodes and inputs are its own, so that values can be put in; a twentieth of what a deep copy costs `generate`. */
function copyOf(graph: Graph): Graph {
  return Object.fromEntries(Object.entries(graph).map(([id, node]) => [id, { ...node, inputs: { ...node.inputs } }]));
}

/** ComfyUI's names for one GraphQL enum name or a list of them. */
function translate(template: Template, name: string, values: { [choice: string]: Json }, given: Json): Json {
  if (Array.isArray(given)) return given.map((item) => translate(template, name, values, item));
  const value = typeof given === 'string' ? own(values, given) : undefined;
  if (value === undefined) throw new Error(`template ${template.name}: ${name} has no choice ${JSON.stringify(given)}`);
  return value;
}

/**
 * ComfyUI takes a bare list for a link to another node, which a caller must not be able to make; a wrapped one is a
 * value. It looks for links at inputs only, and unwraps lists only there.
 */
function literal(value: Json, { path }: Target): Json {
  if (Array.isArray(value) && !path) return { __value__: value };
  return typeof value === 'object' ? structuredClone(value) : value;
}
