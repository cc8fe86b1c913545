import { inputNamed } from '../../core/dynamic-inputs.ts';
import type { Graph } from '../../core/graph.ts';
import type { Json } from '../../core/job.ts';
import type { InputSpec, NodeDefinitions } from '../../core/node-definitions.ts';
import { toChoices } from '../choices.ts';
import { DEFAULT_TEXT_LENGTH } from '../describe-parameter.ts';
import { declareChoices } from './declare-choices.ts';
import { writtenChoices } from './declared.ts';
import type { Finding } from './finding.ts';
import type { Place } from './wiring.ts';

/** A parameter in the form that a manifest has. */
export interface DeclaredParameter {
  type: string;
  title?: string;
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
  const { takes, value, places, at, open = false } = finding;
  const { graph, nodeDefinitions } = context;
  const description = finding.description.slice(0, 1000);
  const { class_type: classType = '', inputs = {} } = graph[at.node] ?? {};
  const known = nodeDefinitions.get(classType);
  // A class says nothing of what may stand inside of an object.
  const spec = at.path ? undefined : known && inputNamed(known, inputs, at.input)?.spec;
  const targets = places.map((place) => ({ ...place }));
  switch (takes.type) {
    case 'string': {
      const text = String(value);
      if (takes.required || open) {
        const minLength = takes.required && { minLength: 1 };
        const limits = { ...minLength, maxLength: takes.maxLength ?? 5000 };
        return { type: 'string', description, required: true, limits, targets };
      }
      const length = [...text].length;
      const usual = takes.maxLength ?? DEFAULT_TEXT_LENGTH;
      const maxLength = length > usual ? length : (takes.maxLength ?? 0);
      return { type: 'string', description, default: text, ...(maxLength > 0 && { limits: { maxLength } }), targets };
    }
    case 'int':
    case 'float': {
      const number = open ? null : Number(value);
      const type = numberType(takes.type, spec, number);
      const limits = numberLimits(type, takes, spec, number);
      return {
        type,
        description,
        ...givenOr(finding, Number(value)),
        ...(Object.keys(limits).length > 0 && { limits }),
        targets,
      };
    }
    case 'boolean':
      return { type: 'boolean', description, ...givenOr(finding, value), targets };
    case 'seed': {
      const maximum = limitOf(spec, 'max');
      const bounded = maximum !== null && maximum < Number.MAX_SAFE_INTEGER && maximum > 0;
      return { type: 'seed', description, ...(bounded && { limits: { maximum } }), targets };
    }
    case 'model': {
      const [place = at] = places;
      const model = takes.of ?? `${graph[place.node]?.class_type}.${place.input}`;
      return { type: 'model', description, model, ...givenOr(finding, value), targets };
    }
    case 'file':
      return { type: 'file', file: takes.file, description, required: true, targets };
    case 'enum':
      return declareEnum(name, finding, spec, context);
  }
}

/** The value as the default; where the file has a placeholder for it, every caller gives one. */
function givenOr({ open }: Finding, value: string | number | boolean): Pick<DeclaredParameter, 'default' | 'required'> {
  return open ? { required: true } : { default: value };
}

function declareEnum(
  name: string,
  finding: Finding,
  spec: InputSpec | undefined,
  { graph, stock, enumType }: DeclareContext,
): DeclaredParameter {
  const { takes, value, description, places, at, open = false } = finding;
  const targets = places.map((place) => ({ ...place }));
  const shared = takes.type === 'enum' ? takes.shared : undefined;
  const samplers = stock.get('KSampler')?.inputs;
  const usual = shared && samplers?.get(shared === 'Sampler' ? 'sampler_name' : 'scheduler')?.spec;
  const written = spec?.kind === 'OWN' ? writtenChoices(graph[at.node]) : [];
  const own = [...written, ...choicesOf(spec, graph[at.node]?.inputs ?? {}, at.input)];
  const offered = own.length > 0 ? own : choicesOf(usual, {}, '');
  const text = String(value);
  if (offered.length === 0 || text === '') {
    return { type: 'string', description, ...givenOr(finding, text), targets };
  }
  const choices = declareChoices(offered.includes(text) || open ? offered : [...offered, text]);
  const named = toChoices(choices);
  const key = named.map((choice) => `${choice.value}=${choice.label}`);
  return {
    type: 'enum',
    description,
    enumType: enumType(shared ?? name, key),
    choices,
    ...givenOr(finding, named.find(({ label }) => label === text)?.value ?? text),
    targets,
  };
}

/** Of a choice that other inputs depend on, those whose inputs the graph has: it has no values for the others. */
function choicesOf(spec: InputSpec | undefined, inputs: { [name: string]: Json }, input: string): string[] {
  const keys =
    spec?.kind === 'COMBO'
      ? spec.options
      : spec?.kind === 'DYNAMIC'
        ? (spec.options ?? [])
            .filter((option) =>
              option.inputs.every(({ name, required }) => !required || Object.hasOwn(inputs, `${input}.${name}`)),
            )
            .map(({ key }) => key)
        : [];
  return keys.filter((key) => typeof key === 'string');
}

function numberType(wanted: 'int' | 'float', spec: InputSpec | undefined, value: number | null): 'int' | 'float' {
  const declared = spec?.kind === 'INT' ? 'int' : spec?.kind === 'FLOAT' ? 'float' : wanted;
  if (value === null) return declared;
  return declared === 'int' && (!Number.isInteger(value) || Math.abs(value) > INT32) ? 'float' : declared;
}

interface NumberLimits {
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
}

const NO_LIMITS: NumberLimits = {};

function numberLimits(
  type: 'int' | 'float',
  usual: NumberLimits,
  spec: InputSpec | undefined,
  value: number | null,
): { [limit: string]: number } {
  const edge = (side: 'min' | 'max', own: number | undefined): number | null => {
    const servers = limitOf(spec, side);
    if (servers === null) return own ?? null;
    if (own === undefined) return servers;
    return side === 'min' ? Math.max(servers, own) : Math.min(servers, own);
  };
  const minimum = edge('min', usual.minimum);
  const maximum = edge('max', usual.maximum);
  if (minimum !== null && maximum !== null && minimum > maximum) {
    // What the class takes there is something else than what usually has this name.
    return usual === NO_LIMITS ? {} : numberLimits(type, NO_LIMITS, spec, value);
  }
  const within = (limit: number) => (type === 'int' ? Math.trunc(Math.min(INT32, Math.max(-INT32 - 1, limit))) : limit);
  const { multipleOf } = usual;
  return {
    ...(minimum !== null && { minimum: within(Math.min(minimum, value ?? minimum)) }),
    ...(maximum !== null && { maximum: within(Math.max(maximum, value ?? maximum)) }),
    ...(multipleOf !== undefined && (value ?? 0) % multipleOf === 0 && type === 'int' && { multipleOf }),
  };
}

/** The limit that a server declares, or null: values such as 2^63 mean that there is no limit. */
function limitOf(spec: InputSpec | undefined, side: 'min' | 'max'): number | null {
  const limit = spec?.kind === 'INT' || spec?.kind === 'FLOAT' ? spec[side] : undefined;
  return typeof limit !== 'number' || Math.abs(limit) > 1e15 ? null : limit;
}
