import type { Graph } from '../../core/graph.ts';
import type { InputSpec, NodeDefinitions } from '../../core/node-definitions.ts';
import { toChoices } from '../choices.ts';
import { DEFAULT_TEXT_LENGTH } from '../describe-parameter.ts';
import { declareChoices } from './declare-choices.ts';
import type { Finding } from './finding.ts';
import type { Place } from './wiring.ts';

/** A parameter in the form that a manifest has. */
export interface DeclaredParameter {
  type: string;
  description: string;
  required?: true;
  advanced?: true;
  file?: string;
  model?: string;
  enumType?: string;
  choices?: (string | [string, string])[];
  default?: string | number | boolean;
  limits?: { [limit: string]: number };
  targets: Place[];
}

export interface DeclareContext {
  graph: Graph;
  nodeDefinitions: NodeDefinitions;
  /** The definitions of a stock ComfyUI. They give the samplers and schedulers for nodes without a definition. */
  stock: NodeDefinitions;
  /** Returns the name of an enum type with these choices, each as `GraphQL name=ComfyUI's name`. */
  enumType(wanted: string, choices: readonly string[]): string;
}

const INT32 = 2 ** 31 - 1;

/** Declares a parameter. Its limits include the value in the graph, and do not exceed what the server accepts. */
export function declareParameter(name: string, finding: Finding, context: DeclareContext): DeclaredParameter {
  const { takes, value, places, at } = finding;
  const { graph, nodeDefinitions } = context;
  const description = finding.description.slice(0, 1000);
  const classType = graph[at.node]?.class_type ?? '';
  const spec = nodeDefinitions.get(classType)?.inputs.get(at.input)?.spec;
  const targets = places.map(({ node, input }) => ({ node, input }));
  switch (takes.type) {
    case 'string': {
      const text = String(value);
      if (takes.required) {
        return {
          type: 'string',
          description,
          required: true,
          limits: { minLength: 1, maxLength: takes.maxLength ?? 5000 },
          targets,
        };
      }
      const length = [...text].length;
      const maxLength = Math.max(takes.maxLength ?? 0, length > DEFAULT_TEXT_LENGTH ? length : 0);
      return { type: 'string', description, default: text, ...(maxLength > 0 && { limits: { maxLength } }), targets };
    }
    case 'int':
    case 'float': {
      const number = Number(value);
      const type = numberType(takes.type, spec, number);
      const limits = numberLimits(type, takes, spec, number);
      return { type, description, default: number, ...(Object.keys(limits).length > 0 && { limits }), targets };
    }
    case 'boolean':
      return { type: 'boolean', description, default: value, targets };
    case 'seed': {
      const maximum = limitOf(spec, 'max');
      const bounded = maximum !== null && maximum < Number.MAX_SAFE_INTEGER && maximum > 0;
      return { type: 'seed', description, ...(bounded && { limits: { maximum } }), targets };
    }
    case 'model': {
      const [place = at] = places;
      const model = `${graph[place.node]?.class_type}.${place.input}`;
      return { type: 'model', description, model, default: value, targets };
    }
    case 'file':
      return { type: 'file', file: takes.file, description, required: true, targets };
    case 'enum':
      return declareEnum(name, finding, spec, context);
  }
}

function declareEnum(
  name: string,
  { takes, value, description, places }: Finding,
  spec: InputSpec | undefined,
  { stock, enumType }: DeclareContext,
): DeclaredParameter {
  const targets = places.map(({ node, input }) => ({ node, input }));
  const shared = takes.type === 'enum' ? takes.shared : undefined;
  const samplers = stock.get('KSampler')?.inputs;
  const usual = shared && samplers?.get(shared === 'Sampler' ? 'sampler_name' : 'scheduler')?.spec;
  const from = spec?.kind === 'COMBO' && spec.options.length > 0 ? spec : usual;
  const offered = from?.kind === 'COMBO' ? from.options.filter((option) => typeof option === 'string') : [];
  const text = String(value);
  if (offered.length === 0 || text === '') return { type: 'string', description, default: text, targets };
  const choices = declareChoices(offered.includes(text) ? offered : [...offered, text]);
  const named = toChoices(choices);
  const key = named.map((choice) => `${choice.value}=${choice.label}`);
  return {
    type: 'enum',
    description,
    enumType: enumType(shared ?? name, key),
    choices,
    default: named.find(({ label }) => label === text)?.value ?? text,
    targets,
  };
}

function numberType(wanted: 'int' | 'float', spec: InputSpec | undefined, value: number): 'int' | 'float' {
  const declared = spec?.kind === 'INT' ? 'int' : spec?.kind === 'FLOAT' ? 'float' : wanted;
  return declared === 'int' && (!Number.isInteger(value) || Math.abs(value) > INT32) ? 'float' : declared;
}

function numberLimits(
  type: 'int' | 'float',
  usual: { minimum?: number; maximum?: number; multipleOf?: number },
  spec: InputSpec | undefined,
  value: number,
): { [limit: string]: number } {
  const edge = (side: 'min' | 'max', own: number | undefined): number | null => {
    const servers = limitOf(spec, side);
    if (servers === null) return own ?? null;
    if (own === undefined) return servers;
    return side === 'min' ? Math.max(servers, own) : Math.min(servers, own);
  };
  const minimum = edge('min', usual.minimum);
  const maximum = edge('max', usual.maximum);
  const within = (limit: number) => (type === 'int' ? Math.trunc(Math.min(INT32, Math.max(-INT32 - 1, limit))) : limit);
  const { multipleOf } = usual;
  return {
    ...(minimum !== null && { minimum: within(Math.min(minimum, value)) }),
    ...(maximum !== null && { maximum: within(Math.max(maximum, value)) }),
    ...(multipleOf !== undefined && value % multipleOf === 0 && type === 'int' && { multipleOf }),
  };
}

/** The limit that a server declares, or null: values such as 2^63 mean that there is no limit. */
function limitOf(spec: InputSpec | undefined, side: 'min' | 'max'): number | null {
  const limit = spec?.kind === 'INT' || spec?.kind === 'FLOAT' ? spec[side] : undefined;
  return typeof limit !== 'number' || Math.abs(limit) > 1e15 ? null : limit;
}
