import { exactLimit, type InputSpec, type NodeDefinitions } from '../core/node-definitions.ts';
import { bindTemplate, parseTemplate, type Template } from '../core/template.ts';
import { type GraphIssue, validateGraph } from '../core/validate-graph.ts';
import type { CatalogueFault, Workflow, WorkflowParameter } from './catalogue.ts';
import { noSuchClass, notAChoice } from './choices.ts';
import { quote } from './issues.ts';

/** The bounds of GraphQL's Int. Every INT parameter has them, so they do not count as limits of the manifest. */
const INT_BOUNDS = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
const SHOWN_CHOICES = 10;

/**
 * The faults of a workflow at a ComfyUI with these node definitions: classes and models that the server does not have,
 * values of the graph and defaults that it would refuse, and limits and choices that allow callers values that it would
 * refuse.
 */
export function checkAgainstServer(workflow: Workflow, nodeDefinitions: NodeDefinitions): CatalogueFault[] {
  const template = parseTemplate(workflow.template.text);
  const defaults = workflow.parameters.flatMap(({ name, type, default: value }) =>
    type === 'FILE' || value === null ? [] : [[name, value] as const],
  );
  const graph = bindTemplate(template, Object.fromEntries(defaults));
  // A required parameter always replaces the value in the graph, so that value is not checked.
  const given = workflow.parameters.filter(({ type, required }) => type === 'FILE' || required);
  const except = given.flatMap(({ name }) => template.parameters[name]?.targets ?? []);
  return [
    ...validateGraph(graph, nodeDefinitions, { except }).map((issue) => faultOf(issue, workflow, template)),
    ...workflow.parameters.flatMap((parameter) => checkPromises(parameter, workflow.name, template, nodeDefinitions)),
  ];
}

function faultOf(issue: GraphIssue, { name, parameters }: Workflow, template: Template): CatalogueFault {
  const { nodeId, classType, input } = issue;
  const parameter = parameters.find(
    (it) =>
      it.default !== null &&
      template.parameters[it.name]?.targets.some((at) => at.node === nodeId && at.input === input && !at.path),
  );
  const reason = reasonOf(issue);
  if (parameter) {
    const field = `parameters.${parameter.name}.default`;
    return { file: `${name}/manifest.json`, field, reason: `${reason} (${classType}.${input})` };
  }
  const place = input === null ? 'class_type' : `inputs.${input}`;
  const field = nodeId === null ? '' : `${nodeId}.${place}`;
  return { file: `${name}/graph.json`, field, reason: input === null ? reason : `${reason} (${classType})` };
}

function reasonOf({ kind, given, options = [], message }: GraphIssue): string {
  const choices = options.map(String);
  if (kind === 'class') return noSuchClass(String(given), choices);
  if (kind !== 'choice') return message;
  return choices.length === 0
    ? `the server has nothing to choose from for ${quote(String(given))}`
    : notAChoice(String(given), choices);
}

/** Limits and choices of a parameter that are wider than its targets in the graph accept. */
function checkPromises(
  parameter: WorkflowParameter,
  workflow: string,
  template: Template,
  nodeDefinitions: NodeDefinitions,
): CatalogueFault[] {
  const fault = (field: string, reason: string) => ({
    file: `${workflow}/manifest.json`,
    field: `parameters.${parameter.name}.${field}`,
    reason,
  });
  return (template.parameters[parameter.name]?.targets ?? []).flatMap(({ node, input, path }) => {
    const classType = template.graph[node]?.class_type ?? '';
    const known = nodeDefinitions.get(classType);
    const spec = known?.inputs.get(input)?.spec;
    // A class of a pack may take more than its limits and lists say. None says what may stand inside of an object.
    if (!known?.stock || !spec || path) return [];
    const at = `${classType}.${input}`;
    return [...checkLimits(parameter, spec, at, fault), ...checkChoices(parameter, spec, at, fault)];
  });
}

type ToFault = (field: string, reason: string) => CatalogueFault;

function checkLimits(parameter: WorkflowParameter, spec: InputSpec, at: string, fault: ToFault): CatalogueFault[] {
  if (spec.kind !== 'INT' && spec.kind !== 'FLOAT') return [];
  const { type, minimum, maximum } = parameter;
  const isDeclared = (limit: 'minimum' | 'maximum') => type !== 'INT' || parameter[limit] !== INT_BOUNDS[limit];
  const faults: CatalogueFault[] = [];
  if (minimum !== null && spec.min !== undefined && minimum < exactLimit(spec.min) && isDeclared('minimum')) {
    faults.push(fault('limits.minimum', `${minimum} is below ${spec.min}, the least that ${at} takes`));
  }
  if (maximum !== null && spec.max !== undefined && maximum > exactLimit(spec.max) && isDeclared('maximum')) {
    faults.push(fault('limits.maximum', `${maximum} is above ${spec.max}, the most that ${at} takes`));
  }
  return faults;
}

function checkChoices({ choices }: WorkflowParameter, spec: InputSpec, at: string, fault: ToFault): CatalogueFault[] {
  if (!choices || spec.kind !== 'COMBO') return [];
  const unknown = choices.map(({ label }) => label).filter((label) => !spec.options.includes(label));
  if (unknown.length === 0) return [];
  const more = unknown.length > SHOWN_CHOICES ? ` and ${unknown.length - SHOWN_CHOICES} more` : '';
  return [fault('choices', `${at} does not take ${unknown.slice(0, SHOWN_CHOICES).map(quote).join(', ')}${more}`)];
}
