import type { Graph } from '../../core/graph.ts';
import type { NodeDefinitions } from '../../core/node-definitions.ts';
import { typeNameFault } from '../check-names.ts';
import { inWords } from '../describe-parameter.ts';
import { type DeclaredParameter, declareParameter } from './declare.ts';
import { findParameters } from './find-parameters.ts';
import { nameParameters } from './names.ts';
import { upperFirst } from './rules.ts';
import { createWiring } from './wiring.ts';

/** The `manifest.json` that `workflow add` writes. */
export interface MadeManifest {
  $schema: string;
  title: string;
  description: string;
  parameters: { [name: string]: DeclaredParameter };
  constraints?: { megapixels: [string, string] }[];
  outputs?: { node: string }[];
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
  maxMegapixels: number;
}

/** What forms may hide: most people leave it as it is. */
const ADVANCED = new Set(['cfgScale', 'guidance', 'sampler', 'scheduler']);

const PREVIEW_CLASS = /^(?:PreviewImage|PreviewAudio|MaskPreview|ImageCompare|Preview3D)/;

/** Makes a manifest of the parameters that were found, and notes for a person. Null where no parameter was found. */
export function makeManifest(options: MakeOptions): { manifest: MadeManifest | null; notes: string[] } {
  const { name, graph, nodeDefinitions, stock, maxMegapixels } = options;
  const { findings, notes } = findParameters(graph, nodeDefinitions);
  if (findings.length === 0) return { manifest: null, notes };
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
    parameters[parameter] = {
      ...declareParameter(parameter, described, { graph, nodeDefinitions, stock, enumType }),
      ...(ADVANCED.has(finding.name) && !finding.marked && { advanced: true }),
    };
  }
  const title = inWords(name);
  const megapixels = sizePair(parameters, maxMegapixels);
  const outputs = previewsOnly(graph);
  return {
    manifest: {
      $schema: '../manifest.schema.json',
      title,
      description: `${title}.`,
      parameters,
      ...(megapixels && { constraints: [{ megapixels }] }),
      ...(outputs && { outputs }),
    },
    notes,
  };
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
      const pixels = Number(wide.default) * Number(high.default);
      if (together && pixels <= maxMegapixels * 1e6) return [width, height];
    }
  }
  return null;
}

function isNumber(type: string): boolean {
  return type === 'int' || type === 'float';
}

/**
 * The final nodes of a graph that has only previews. Previews are temporary files, and are delivered only where
 * `outputs` names their nodes.
 */
function previewsOnly(graph: Graph): { node: string }[] | null {
  const wiring = createWiring(graph);
  const ends = Object.keys(graph).filter((id) => wiring.users(id).length === 0);
  const previews = ends.filter((id) => PREVIEW_CLASS.test(graph[id]?.class_type ?? ''));
  return previews.length > 0 && previews.length === ends.length ? previews.map((node) => ({ node })) : null;
}
