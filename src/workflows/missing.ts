import { isModelFile } from '../core/graph.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { planOf } from '../core/plan.ts';
import { parseTemplate } from '../core/template.ts';
import { type GraphIssue, validateGraph } from '../core/validate-graph.ts';
import type { Workflow } from './catalogue.ts';
import { shorten } from './issues.ts';

/**
 * What a ComfyUI lacks to run a workflow with its defaults, for a person: `class UpscaleModelLoader`, `model x.safetensors
 * (CheckpointLoaderSimple.ckpt_name)`. What every caller must give is not asked for, unless there is nothing to choose from.
 */
export type MissingOf = (workflow: Workflow, nodeDefinitions: NodeDefinitions) => readonly string[];

/** Remembers its answers for as long as there are workflow and node definitions. */
export function createMissingOf(): MissingOf {
  const answers = new WeakMap<NodeDefinitions, WeakMap<Workflow, readonly string[]>>();
  return (workflow, nodeDefinitions) => {
    const ofCatalogue = answers.get(nodeDefinitions) ?? new WeakMap<Workflow, readonly string[]>();
    answers.set(nodeDefinitions, ofCatalogue);
    const answer = ofCatalogue.get(workflow) ?? findMissing(workflow, nodeDefinitions);
    ofCatalogue.set(workflow, answer);
    return answer;
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
