import type * as z from 'zod';
import { parseExactJson } from '../core/exact-json.ts';
import type { Graph } from '../core/graph.ts';
import { own } from '../core/objects.ts';
import { inputOf, type Step, type Target } from '../core/target.ts';
import { encodeTemplate, type Template } from '../core/template.ts';
import { artifactKindsOf } from './artifact-kinds.ts';
import type { CatalogueFault, ParameterType, Workflow } from './catalogue.ts';
import { checkGraph } from './check-graph.ts';
import { inputTypeName, nameFault, typeNameFault } from './check-names.ts';
import { checkParameter, noSuchNode } from './check-parameter.ts';
import { describeParameter, listLimitsOf } from './describe-parameter.ts';
import { createIssueList } from './issues.ts';
import { type Manifest, manifestSchema } from './manifest.ts';
import { createValidator } from './validator.ts';
import { createCheck } from './values.ts';
import { type FileText, readWorkflowFiles, type WorkflowFiles } from './workflow-files.ts';

/** What may become a number in the graph. A choice may stand for one. */
const SIZES: readonly ParameterType[] = ['INT', 'FLOAT', 'BOOLEAN', 'ENUM'];

interface ParseOptions {
  /** The name of the workflow, and of its folder. */
  name: string;
  maxMegapixels: number;
  /** Called with each fault. When there was one, the result must not be used. */
  report: (fault: CatalogueFault) => void;
}

interface ReadOptions extends ParseOptions {
  /** The workflows folder. */
  dir: string;
}

/** Reads and checks the folder of one workflow. Null where its files do not have the right form. */
export async function readWorkflow({ dir, ...options }: ReadOptions): Promise<Workflow | null> {
  return parseWorkflow(await readWorkflowFiles(dir, options.name), options);
}

/** Checks the files of one workflow. Null where they do not have the right form. */
export function parseWorkflow(files: WorkflowFiles, { name, maxMegapixels, report }: ParseOptions): Workflow | null {
  const nameReason = folderFault(name);
  if (nameReason) report({ file: name, field: '', reason: nameReason });

  const inManifest = (field: string, reason: string) => report({ file: `${name}/manifest.json`, field, reason });
  const inGraph = (field: string, reason: string) => report({ file: `${name}/graph.json`, field, reason });
  const manifestJson = parseJson(files['manifest.json'], inManifest);
  const graphJson = parseJson(files['graph.json'], inGraph);
  const manifest = manifestJson && parseManifest(manifestJson.value, inManifest);
  const graph = graphJson && parseGraph(graphJson.value, inGraph);
  if (!manifest) return null;

  const fields = Object.entries(manifest.parameters).map(([parameterName, declared]) => {
    const parameter = describeParameter(parameterName, declared);
    const listLimits = listLimitsOf(declared);
    const check = createCheck(parameter, listLimits);
    checkParameter(parameter, declared, check, graph, (field, reason) =>
      inManifest(['parameters', parameterName, field].filter(Boolean).join('.'), reason),
    );
    return { parameter, check, listLimits };
  });
  if (fields.length === 0) inManifest('parameters', 'expected at least one, since GraphQL has no input without fields');
  checkSharedTargets(manifest, inManifest);
  checkConstraints(manifest, inManifest);
  if (graph) checkOutputs(manifest, graph, inManifest);
  if (!graph) return null;

  const sizes = fields.flatMap(({ parameter: { type, name } }) => (SIZES.includes(type) ? [name] : []));
  return {
    name,
    title: manifest.title,
    description: manifest.description,
    makes: artifactKindsOf(graph, manifest),
    parameters: fields.map((field) => field.parameter),
    template: { ...encodeTemplate(toTemplate(name, graph, manifest, fields)), sizes },
    nodesTotal: Object.keys(graph).length,
    ...createValidator({ fields, constraints: manifest.constraints, maxMegapixels }),
  };
}

function folderFault(name: string): string | null {
  if (name === 'custom') return "custom is the field for a caller's own graph; name the folder otherwise";
  const fault = nameFault(name);
  if (fault) return fault;
  const typeFault = typeNameFault(inputTypeName(name));
  return typeFault && `${typeFault}; name the folder otherwise`;
}

function parseJson(file: FileText, report: (field: string, reason: string) => void): { value: unknown } | null {
  if ('reason' in file) {
    report('', file.reason);
    return null;
  }
  try {
    return { value: parseExactJson(file.text) };
  } catch (error) {
    report('', `is not JSON: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

function parseManifest(value: unknown, report: (field: string, reason: string) => void): Manifest | null {
  // zod silently drops a property of this name.
  const hidden = findProto(value, []);
  for (const path of hidden) report(path.join('.'), 'a name other than __proto__ is needed');
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return hidden.length > 0 ? null : parsed.data;
  for (const issue of parsed.error.issues) reportIssue(issue, report);
  return null;
}

function reportIssue(issue: z.core.$ZodIssue, report: (field: string, reason: string) => void): void {
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) report([...issue.path, key].join('.'), 'unknown key');
  } else report(issue.path.join('.'), issue.message);
}

function findProto(value: unknown, path: string[]): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = [...path, key];
    return key === '__proto__' ? [at] : findProto(item, at);
  });
}

function parseGraph(value: unknown, report: (field: string, reason: string) => void): Graph | null {
  const issues = createIssueList([]);
  const graph = checkGraph(value, [], issues);
  for (const issue of issues.found) report(issue.path.join('.'), issue.message);
  return graph;
}

/** Reports two parameters for the same place, of which the later would silently win, or for a part of it. */
function checkSharedTargets({ parameters }: Manifest, report: (field: string, reason: string) => void): void {
  const taken = new Map<string, { name: string; target: Target }[]>();
  for (const [name, { targets }] of Object.entries(parameters)) {
    for (const [index, target] of targets.entries()) {
      const { node, input, path = [] } = target;
      const key = JSON.stringify([node, input]);
      const others = taken.get(key) ?? [];
      const other = others.find(({ target: { path: theirs = [] } }) => overlap(path, theirs));
      if (other) {
        const around = other.target.path?.length === target.path?.length ? '' : ` (${inputOf(other.target)})`;
        const reason = `${inputOf(target)} of node ${node} is set by ${other.name}${around} already`;
        report(`parameters.${name}.targets.${index}`, reason);
      }
      taken.set(key, [...others, { name, target }]);
    }
  }
}

/** Whether two paths lead to the same, or one to a part of what the other leads to. */
function overlap(a: readonly Step[], b: readonly Step[]): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.every((step, index) => step === long[index]);
}

function checkConstraints(
  { parameters, constraints }: Manifest,
  report: (field: string, reason: string) => void,
): void {
  for (const [index, { megapixels }] of constraints.entries()) {
    for (const [place, name] of megapixels.entries()) {
      const declared = own(parameters, name);
      const field = `constraints.${index}.megapixels.${place}`;
      if (!declared) report(field, `there is no parameter ${JSON.stringify(name)}`);
      else if ((declared.type !== 'int' && declared.type !== 'float') || declared.list) {
        report(field, `expected an int or a float that is no list, got ${name}`);
      } else if (!declared.required && (declared.default ?? null) === null) {
        report(field, `${name} must be required or have a default: without a value the limit would not be checked`);
      }
    }
  }
}

function checkOutputs({ outputs = [] }: Manifest, graph: Graph, report: (field: string, reason: string) => void): void {
  const seen = new Set<string>();
  for (const [index, { node }] of outputs.entries()) {
    if (!Object.hasOwn(graph, node)) {
      report(`outputs.${index}.node`, noSuchNode(node, graph));
    } else if (seen.has(node)) report(`outputs.${index}.node`, `${JSON.stringify(node)} is there twice`);
    seen.add(node);
  }
}

/**
 * Absent properties are left out, so that the hash of a template stays the same when the format gets new properties.
 */
function toTemplate(
  name: string,
  graph: Graph,
  { parameters, outputs, keepMetadata }: Manifest,
  fields: { parameter: Workflow['parameters'][number] }[],
): Template {
  return {
    name,
    graph,
    parameters: Object.fromEntries(
      fields.map(({ parameter: { name, choices, file } }) => [
        name,
        {
          targets: parameters[name]?.targets ?? [],
          ...(choices && { values: Object.fromEntries(choices.map(({ value, label }) => [value, label])) }),
          ...(file && { file }),
        },
      ]),
    ),
    ...(outputs && { outputs: outputs.map(({ node, name }) => ({ node, name: name ?? null })) }),
    ...(keepMetadata && { keepMetadata }),
  };
}
