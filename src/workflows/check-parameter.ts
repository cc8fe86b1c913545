import { isLongInteger } from '../core/exact-json.ts';
import type { Graph } from '../core/graph.ts';
import type { Json } from '../core/job.ts';
import { isObject, own } from '../core/objects.ts';
import { inputOf, type Target, valueAt } from '../core/target.ts';
import type { WorkflowParameter } from './catalogue.ts';
import { enumValueFault, nameFault, typeNameFault } from './check-names.ts';
import { describe, quote } from './issues.ts';
import type { ManifestParameter } from './manifest.ts';
import type { Check } from './values.ts';

/** Reports a fault: the field below the parameter (`''` for the parameter itself), and the reason. */
type Report = (field: string, reason: string) => void;

/** Checks a declaration beyond its form: its limits, its default, and its targets in the graph. */
export function checkParameter(
  parameter: WorkflowParameter,
  declared: ManifestParameter,
  check: Check,
  graph: Graph | null,
  report: Report,
): void {
  const fault = nameFault(parameter.name);
  if (fault) report('', fault);
  checkLimits(parameter, declared, report);
  if (parameter.type === 'ENUM') checkChoices(parameter, report);
  checkDefault(parameter, check, report);
  if (graph) checkTargets(parameter, declared, graph, report);
}

function checkLimits(parameter: WorkflowParameter, declared: ManifestParameter, report: Report): void {
  const bounds = { int: [-(2 ** 31), 2 ** 31 - 1], seed: [0, Number.MAX_SAFE_INTEGER] } as const;
  if (declared.type === 'int' || declared.type === 'seed') {
    const [least, most] = bounds[declared.type];
    for (const limit of ['minimum', 'maximum'] as const) {
      const value = declared.limits[limit];
      if (value === undefined || (value >= least && value <= most)) continue;
      report(`limits.${limit}`, `expected ${least} to ${most}, got ${value}`);
    }
  }
  const { minimum, maximum, minLength, maxLength } = parameter;
  if (minimum !== null && maximum !== null && minimum > maximum)
    report('limits', `minimum ${minimum} is above maximum ${maximum}`);
  if (minLength !== null && maxLength !== null && minLength > maxLength) {
    report('limits', `minLength ${minLength} is above maxLength ${maxLength}`);
  }
  const { minItems, maxItems } = declared.limits;
  if (!declared.list && (minItems !== undefined || maxItems !== undefined))
    report('limits', 'minItems and maxItems need "list": true');
  if ((minItems ?? 0) > (maxItems ?? 1000)) report('limits', `minItems ${minItems} is above maxItems ${maxItems}`);
}

function checkChoices({ enumType, choices }: WorkflowParameter, report: Report): void {
  const fault = typeNameFault(enumType ?? '');
  if (fault) report('enumType', fault);
  const labels = new Map<string, string>();
  for (const [index, { value, label }] of (choices ?? []).entries()) {
    const valueFault = enumValueFault(value);
    if (valueFault) {
      report(
        `choices.${index}`,
        `${quote(label)} would be ${quote(value)}: ${valueFault}; name it yourself: ["NAME", ${quote(label)}]`,
      );
    }
    const other = labels.get(value);
    if (other !== undefined) {
      const both = `${quote(other)} and ${quote(label)} would both be ${value}`;
      report(
        `choices.${index}`,
        other === label ? `${quote(label)} is there twice` : `${both}; name one yourself: ["NAME", ${quote(label)}]`,
      );
    }
    labels.set(value, label);
  }
}

function checkDefault(parameter: WorkflowParameter, check: Check, report: Report): void {
  if (parameter.default === null) return;
  if (parameter.required) report('default', 'a required parameter has no default');
  const checked = check(parameter.default);
  if (checked.ok) return;
  for (const { path, message } of checked.faults) report(['default', ...path].join('.'), message);
}

function checkTargets(parameter: WorkflowParameter, declared: ManifestParameter, graph: Graph, report: Report): void {
  for (const [index, { node, input, path = [] }] of declared.targets.entries()) {
    const field = `targets.${index}`;
    const target = own(graph, node);
    if (!target) {
      report(`${field}.node`, noSuchNode(node, graph));
      continue;
    }
    const whole = own(target.inputs, input);
    const current = valueAt(whole, path);
    if (whole === undefined) {
      const inputs = Object.keys(target.inputs).join(', ') || 'none';
      report(`${field}.input`, `node ${node} (${target.class_type}) has no input ${quote(input)}; it has ${inputs}`);
    } else if (Array.isArray(whole)) {
      report(`${field}.input`, `${quote(input)} of node ${node} (${target.class_type}) is a link to another node`);
    } else if (current === undefined) {
      report(`${field}.path`, pathFault(whole, { node, input, path }));
    } else if (declared.type === 'seed' && isLongInteger(current)) {
      // A seed of 64 bits, which only a text holds.
    } else if (!parameter.list && current !== null && typeof current !== jsonType(declared)) {
      report(
        `${field}.${path.length > 0 ? 'path' : 'input'}`,
        `takes a ${typeof current} in graph.json (${describe(current)}), not a ${jsonType(declared)}`,
      );
    }
  }
  if (declared.type === 'model' && !declared.targets.some((target) => modelAt(graph, target) === declared.model)) {
    // What may stand inside of an object no class declares: there any other's list will do.
    const seen = declared.targets
      .filter(({ path }) => !path)
      .map((target) => modelAt(graph, target))
      .filter((name) => name !== null);
    if (seen.length > 0)
      report('model', `expected the class and input of a target (${seen.join(', ')}), got ${quote(declared.model)}`);
  }
}

/** Where a path that leads nowhere ends, and what there is. */
function pathFault(whole: Json, { node, input, path }: Required<Target>): string {
  const known = path.findIndex((_, index) => valueAt(whole, path.slice(0, index + 1)) === undefined);
  const before = path.slice(0, known);
  const value = valueAt(whole, before) ?? null;
  const keys = isObject(value) ? Object.keys(value).slice(0, 50).join(', ') || 'nothing' : describe(value);
  const place = `${inputOf({ input, path: before })} of node ${node}`;
  return `${place} has no ${JSON.stringify(path[known])}; ${isObject(value) ? 'it has' : 'it is'} ${keys}`;
}

export function noSuchNode(node: string, graph: Graph): string {
  return `graph.json has no node ${quote(node)}; it has ${Object.keys(graph).slice(0, 50).join(', ')}`;
}

function modelAt(graph: Graph, { node, input }: Target): string | null {
  const target = own(graph, node);
  return target && Object.hasOwn(target.inputs, input) ? `${target.class_type}.${input}` : null;
}

function jsonType({ type }: ManifestParameter): 'string' | 'number' | 'boolean' {
  if (type === 'boolean') return 'boolean';
  return type === 'int' || type === 'float' || type === 'seed' ? 'number' : 'string';
}
