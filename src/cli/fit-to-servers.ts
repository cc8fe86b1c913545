import { issuesAtNearestServer } from '../backends/nearest-server.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { own } from '../core/objects.ts';
import { planOf } from '../core/plan.ts';
import { parseTemplate, type Template } from '../core/template.ts';
import type { GraphIssue } from '../core/validate-graph.ts';
import { issuesOfParameters } from '../jobs/check-runnable.ts';
import type { Workflow } from '../workflows/catalogue.ts';
import { nearestChoices } from '../workflows/choices.ts';
import type { SampleValues } from './sample-call.ts';

export interface FittedCall {
  values: SampleValues;
  /** What was changed, for a person. */
  changes: string[];
  /** Why the server refuses the call all the same, for a person. Empty: it takes it, as far as its classes tell. */
  faults: string[];
}

/**
 * Makes the values of a call such that a server takes them: in place of models and choices that it lacks, those that it
 * has and whose names are nearest. Of several servers it is the one that takes them best. Where none are known, all is
 * taken to fit.
 */
export function fitToServers(
  workflow: Workflow,
  values: SampleValues,
  servers: readonly NodeDefinitions[],
): FittedCall {
  const [best] = servers
    .map((server) => fitTo(server, workflow, values))
    .sort((a, b) => a.faults.length - b.faults.length || a.changes.length - b.changes.length);
  return best ?? { values, changes: [], faults: [] };
}

function fitTo(nodeDefinitions: NodeDefinitions, workflow: Workflow, values: SampleValues): FittedCall {
  const template = parseTemplate(workflow.template.text);

  function check(given: SampleValues) {
    const { parameters, ...parsed } = workflow.parse(given, []);
    if (!parsed.ok) return { found: [], issues: parsed.issues };
    const found = issuesAtNearestServer(planOf(template, parameters), [{ status: 'UP', nodeDefinitions }]);
    return { found, issues: issuesOfParameters(found, template, parameters, []) };
  }

  const lacking = new Map(check(values).found.flatMap((issue) => insteadOf(issue, workflow, template)));
  const instead = [...lacking].map(([name, { value }]) => [name, value] as const);
  const fitted = { ...values, ...Object.fromEntries(instead) };
  return {
    values: fitted,
    changes: [...lacking].map(([name, { given, value }]) => `${name}: no server has ${given}; the call gives ${value}`),
    faults: check(fitted).issues.map(({ path, message }) => [...path, message].join(': ')),
  };
}

/** The parameter whose value a server lacks, and one that it has, as the API calls it; nothing where there is none. */
function insteadOf({ kind, nodeId, input, given, options = [] }: GraphIssue, workflow: Workflow, template: Template) {
  const parameter = workflow.parameters.find(({ name, list }) => {
    const targets = own(template.parameters, name)?.targets ?? [];
    return !list && targets.some((at) => at.node === nodeId && at.input === input && !at.path);
  });
  if (kind !== 'choice' || !parameter) return [];
  const { name, choices } = parameter;
  const there = options.map(String).filter((option) => choices?.some(({ label }) => label === option) ?? true);
  const [label = there[0]] = nearestChoices(String(given), there);
  if (label === undefined) return [];
  const value = choices?.find((choice) => choice.label === label)?.value ?? label;
  return [[name, { given: String(given), value }] as const];
}
