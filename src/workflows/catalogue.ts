import type { InputIssue } from '../core/errors.ts';
import type { FileKind } from '../core/file-source.ts';
import type { Json } from '../core/job.ts';

export const parameterTypes = ['STRING', 'INT', 'FLOAT', 'BOOLEAN', 'ENUM', 'SEED', 'MODEL', 'FILE'] as const;
export type ParameterType = (typeof parameterTypes)[number];

/** `value` is what the API takes (a GraphQL enum name), `label` what ComfyUI calls it. */
export interface Choice {
  value: string;
  label: string;
}

/** A parameter as the manifest declares it; null where it says nothing. */
export interface WorkflowParameter {
  name: string;
  type: ParameterType;
  list: boolean;
  required: boolean;
  description: string | null;
  default: Json;
  minimum: number | null;
  maximum: number | null;
  multipleOf: number | null;
  minLength: number | null;
  maxLength: number | null;
  /** ENUM: the GraphQL enum type, shared by all parameters that name it. */
  enumType: string | null;
  /** ENUM only. */
  choices: Choice[] | null;
  /** MODEL: `Class.input`, whose options at the running servers are the choices. */
  modelOf: string | null;
  /** FILE: what it must be. */
  file: FileKind | null;
}

/** Parsed and defaulted input, before a seed is drawn (an absent SEED stays absent), or every fault in it. */
export type ParsedInput = { ok: true; parameters: { [name: string]: Json } } | { ok: false; issues: InputIssue[] };

export interface Workflow {
  name: string;
  title: string;
  description: string | null;
  parameters: WorkflowParameter[];
  /** The template's text (see core/template.ts) and its SHA-256 in hex. */
  template: { hash: string; text: string };
  /** Nodes of the graph. */
  nodesTotal: number;
  /** Checks an input, null fields being absent; `path` leads the paths of its issues. Enum values stay under their GraphQL names. */
  parse(input: { [name: string]: unknown }, path: (string | number)[]): ParsedInput;
  /** Draws what was left to chance (seeds). `randomSeed` gives 0 to 2^53-1. */
  complete(parameters: { [name: string]: Json }, randomSeed: () => number): { [name: string]: Json };
}

/** The workflows of the installation; each is a field of `WorkflowInput`. */
export interface WorkflowCatalogue {
  workflows: readonly Workflow[];
  get(name: string): Workflow | undefined;
}

/** What is wrong with an installed workflow, and where: `file` below the workflows folder, `field` within it ('' is all of it). */
export interface CatalogueFault {
  file: string;
  field: string;
  reason: string;
}

/** The workflows cannot be used as they are. The message has a line for each fault. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
  readonly faults: readonly CatalogueFault[];

  constructor(dir: string, faults: readonly CatalogueFault[]) {
    const lines = faults.map(({ file, field, reason }) => `  ${[file, field, reason].filter(Boolean).join(': ')}`);
    super([`the workflows in ${dir} cannot be used:`, ...lines].join('\n'));
    this.faults = faults;
  }
}
