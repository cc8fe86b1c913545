import * as z from 'zod';
import { type Graph, graphSchema } from './graph.ts';
import type { Json } from './job.ts';

/**
 * What a worker needs of a workflow: its graph and where each parameter goes. Kept in Redis under its hash, so that a job runs
 * on the template it was accepted with whatever has been installed since.
 */
export const templateSchema = z.object({
  name: z.string(),
  graph: graphSchema,
  parameters: z.record(
    z.string(),
    z.object({
      targets: z.array(z.object({ node: z.string(), input: z.string() })),
      /** ENUM: GraphQL name -> ComfyUI's name. */
      values: z.record(z.string(), z.json()).optional(),
    }),
  ),
});
export type Template = z.infer<typeof templateSchema>;

/** The template's graph with the parameters put in; the template stays as it is. A parameter without a value leaves the graph's own. */
export function bindTemplate(template: Template, parameters: { [name: string]: Json }): Graph {
  const graph = structuredClone(template.graph);
  for (const [name, { targets, values }] of Object.entries(template.parameters)) {
    const given = parameters[name];
    if (given === undefined || given === null) continue;
    const value = values && typeof given === 'string' ? values[given] : given;
    if (value === undefined) throw new Error(`template ${template.name}: ${name} has no choice ${String(given)}`);
    for (const { node, input } of targets) {
      const target = graph[node];
      if (!target) throw new Error(`template ${template.name}: ${name} goes to node ${node}, which the graph does not have`);
      target.inputs[input] = value;
    }
  }
  return graph;
}
