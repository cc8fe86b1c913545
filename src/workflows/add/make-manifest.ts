import type { Graph } from '../../core/graph.ts';
import type { NodeDefinitions } from '../../core/node-definitions.ts';
import { typeNameFault } from '../check-names.ts';
import { inWords } from '../describe-parameter.ts';
import type { AppMode } from '../editor/app-mode.ts';
import { type DeclaredParameter, declareParameter } from './declare.ts';
import { findOutputs } from './find-outputs.ts';
import { findParameters } from './find-parameters.ts';
import type { Finding } from './finding.ts';
import { nameParameters, ownTitle } from './names.ts';
import { placeholderIn } from './placeholders.ts';
import { upperFirst } from './rules.ts';
import { createWiring } from './wiring.ts';

/** The `manifest.json` that `workflow add` writes. */
export interface MadeManifest {
  $schema: string;
  title: string;
  description: string;
  parameters: { [name: string]: DeclaredParameter };
  constraints?: { megapixels: [string, string] }[];
  outputs?: { node: string; name?: string }[];
}

export interface MakeOptions {
  /** The workflow's name. */
  name: string;
  graph: Graph;
  /** The node definitions of a server, or of a stock ComfyUI. */
  nodeDefinitions: NodeDefinitions;
  /** The node definitions of a stock ComfyUI. */
  stock: NodeDefinitions;
  /** The enum types of other workflows, with their choices as `GraphQL name=ComfyUI's name`. */
  enumTypes: ReadonlyMap<string, readonly string[]>;
  /** The names of the input types of all workflows, which enum types must not have. */
  inputTypes: ReadonlySet<string>;
  /** What the author chose in App mode; null: nothing. */
  app: AppMode | null;
  maxMegapixels: number;
}

/** What forms may hide: most people leave it as it is. */
const ADVANCED = new Set(['cfgScale', 'guidance', 'sampler', 'scheduler']);

/** Parameters that one note names. */
const MOST_NAMED = 10;

/**
 * Makes a manifest of the parameters that were found, and notes for a person. Null where no parameter was found.
 * `graph` is the given one, with null in the place of placeholders for numbers, which no parameter of a number fits.
 */
export function makeManifest(options: MakeOptions): { manifest: MadeManifest | null; graph: Graph; notes: string[] } {
  const { name, graph, nodeDefinitions, stock, app, maxMegapixels } = options;
  const { findings, notes } = findParameters(graph, nodeDefinitions, app);
  if (findings.length === 0) return { manifest: null, graph, notes };
  const names = nameParameters(findings, graph);
  const enumType = enumTypeNames(options);
  const parameters: { [name: string]: DeclaredParameter } = {};
  for (const [index, finding] of findings.entries()) {
    const parameter = names[index] ?? finding.name;
    const twin =
      names.indexOf(finding.name) !== index && findings.some((it, at) => at !== index && it.name === finding.name);
    const node = graph[finding.at.node];
    const where = ` Of node ${finding.at.node}, ${node?._meta?.title || node?.class_type}.`;
    const described = twin && !finding.marked ? { ...finding, description: finding.description + where } : finding;
    const { type, ...declared } = declareParameter(parameter, described, { graph, nodeDefinitions, stock, enumType });
    const { title } = finding;
    parameters[parameter] = {
      type,
      ...(title && !isNamed(title, parameter) && { title: title.slice(0, 100).toWellFormed() }),
      ...declared,
      ...(ADVANCED.has(finding.name) && !finding.marked && !finding.chosen && { advanced: true }),
    };
  }
  const title = inWords(name);
  const megapixels = sizePair(parameters, maxMegapixels);
  const delivered = outputsOf(options);
  return {
    manifest: {
      $schema: '../manifest.schema.json',
      title,
      description: `${title}.`,
      parameters,
      ...(megapixels && { constraints: [{ megapixels }] }),
      ...(delivered.outputs && { outputs: delivered.outputs }),
    },
    graph: withoutPlaceholders(graph, parameters),
    notes: [...notes, ...guessNotes(findings, names), ...delivered.notes],
  };
}

/** Whether a title says no more than the name does. */
function isNamed(title: string, parameter: string): boolean {
  return title.trim().toLowerCase() === inWords(parameter).toLowerCase();
}

/** The nodes whose results are delivered: as the author chose them in App mode, otherwise as they have to be named. */
function outputsOf({ graph, nodeDefinitions, app }: MakeOptions) {
  const wiring = createWiring(graph, nodeDefinitions);
  const chosen = [...new Set(app?.outputs)].filter((node) => Object.hasOwn(graph, node));
  if (chosen.length === 0) return findOutputs(wiring, nodeDefinitions);
  const outputs = chosen.map((node) => {
    const title = ownTitle(wiring, node).slice(0, 64).toWellFormed();
    return { node, ...(title && { name: title }) };
  });
  return { outputs, notes: [] };
}

/** What nothing said for sure, by the names of the parameters that came of it. */
function guessNotes(findings: readonly Finding[], names: readonly string[]): string[] {
  const guessed = (kind: Finding['guess']) => {
    const all = findings.flatMap(({ guess }, index) => (guess === kind ? (names[index] ?? []) : []));
    const more = all.length > MOST_NAMED ? ` and ${all.length - MOST_NAMED} more` : '';
    return all.length > 0 ? all.slice(0, MOST_NAMED).join(', ') + more : null;
  };
  const [numbers, files] = [guessed('number'), guessed('file')];
  return [
    ...(numbers
      ? [`of a class that is not known, so maybe whole numbers only: ${numbers}; --comfyui URL asks a server`]
      : []),
    ...(files
      ? [`of a class that is not known, so maybe a path and no input file: ${files}; --comfyui URL asks a server`]
      : []),
  ];
}

function withoutPlaceholders(graph: Graph, parameters: { [name: string]: DeclaredParameter }): Graph {
  const copy = Object.fromEntries(
    Object.entries(graph).map(([id, node]) => [id, { ...node, inputs: { ...node.inputs } }]),
  );
  for (const { type, targets } of Object.values(parameters)) {
    if (type !== 'int' && type !== 'float' && type !== 'seed' && type !== 'boolean') continue;
    for (const { node, input } of targets) {
      const inputs = copy[node]?.inputs;
      if (inputs && placeholderIn(inputs[input]) !== null) inputs[input] = null;
    }
  }
  return copy;
}

/**
 * Names enum types. An existing type with the same choices is shared. Where a different type has the name, the
 * workflow's name is put before it.
 */
function enumTypeNames({
  name,
  enumTypes,
  inputTypes,
}: MakeOptions): (wanted: string, choices: readonly string[]) => string {
  const known = new Map([...enumTypes].map(([type, choices]) => [type, textOf(choices)]));
  return (wanted, choices) => {
    const text = textOf(choices);
    const own = `${upperFirst(name)}${upperFirst(wanted)}`.slice(0, 56);
    const names = ['Sampler', 'Scheduler'].includes(wanted) ? [wanted, own] : [own];
    for (let count = 2; ; count++) {
      const free = names.find((type) => {
        const other = known.get(type);
        return other === undefined ? !inputTypes.has(type) && typeNameFault(type) === null : other === text;
      });
      if (free !== undefined) {
        known.set(free, text);
        return free;
      }
      names.push(`${own}${count}`);
    }
  };
}

function textOf(choices: readonly string[]): string {
  return JSON.stringify([...choices].sort());
}

/** The parameters for width and height of the same node, where the graph's own size is within the limit. */
function sizePair(parameters: { [name: string]: DeclaredParameter }, maxMegapixels: number): [string, string] | null {
  const byNode = (input: string) =>
    Object.entries(parameters).filter(
      ([, { type, targets }]) => isNumber(type) && targets.some((it) => it.input === input),
    );
  for (const [width, wide] of byNode('width')) {
    for (const [height, high] of byNode('height')) {
      const together = wide.targets.some(
        (at) => at.input === 'width' && high.targets.some((it) => it.node === at.node),
      );
      const pixels = Number(wide.default ?? 0) * Number(high.default ?? 0);
      if (together && pixels <= maxMegapixels * 1e6) return [width, height];
    }
  }
  return null;
}

function isNumber(type: string): boolean {
  return type === 'int' || type === 'float';
}
