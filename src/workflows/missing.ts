import { isModelFile } from '../core/graph.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { planOf } from '../core/plan.ts';
import { parseTemplate } from '../core/template.ts';
import { type GraphIssue, validateGraph } from '../core/validate-graph.ts';
import type { Workflow } from './catalogue.ts';
import { shorten } from './issues.ts';

/**
 * Lists what a ComfyUI does not have that a workflow with its defaults needs, for a person: `class UpscaleModelLoader`,
 * `model x.safetensors (CheckpointLoaderSimple.ckpt_name)`. Values that every caller must give are left out, unless the
 * server offers no choice at all for them.
 */
export type MissingOf = (workflow: Workflow, nodeDefinitions: NodeDefinitions) => readonly string[];

/** Caches each result as long as its workflow and node definitions are in memory. */
export function createMissingOf(): MissingOf {
  const cache = new WeakMap<NodeDefinitions, WeakMap<Workflow, readonly string[]>>();
  return (workflow, nodeDefinitions) => {
    const byWorkflow = cache.get(nodeDefinitions) ?? new WeakMap<Workflow, readonly string[]>();
    cache.set(nodeDefinitions, byWorkflow);
    const missing = byWorkflow.get(workflow) ?? findMissing(workflow, nodeDefinitions);
    byWorkflow.set(workflow, missing);
    return missing;
  };
}

function findMissing({ template: { text }, parameters }: Workflow, nodeDefinitions: NodeDefinitions): string[] {
  const template = parseTemplate(text);
  const defaults = parameters.flatMap(({ name, default: value }) => (value === null ? [] : [[name, value] as const]));
  const { graph } = planOf(template, Object.fromEntries(defaults));
  const targets = (wanted: (parameter: Workflow['parameters'][number]) => boolean) =>
    parameters.filter(wanted).flatMap(({ name }) => template.parameters[name]?.targets ?? []);
  const given = targets(({ required }) => required);
  const issues = validateGraph(graph, nodeDefinitions, { except: targets(({ type }) => type === 'FILE') }).filter(
    ({ nodeId, input, options }) =>
      options?.length === 0 || !given.some((target) => target.node === nodeId && target.input === input),
  );
  return [...new Set(issues.map(nameOf))].sort();
}

function nameOf({ kind, nodeId, classType, input, given, message }: GraphIssue): string {
  if (kind === 'class') return `class ${classType}`;
  if (nodeId === null) return message;
  const place = `${classType}.${input}`;
  if (kind === 'missing') return `a value for ${place}`;
  const value = shorten(typeof given === 'string' ? given : JSON.stringify(given));
  if (kind !== 'choice') return `value ${value} for ${place}: ${message}`;
  return `${isModelFile(value) ? 'model' : 'choice'} ${value} (${place})`;
}
