import type { InputIssue } from '../core/errors.ts';
import type { FileKind } from '../core/file-source.ts';
import type { ArtifactKind, Json } from '../core/job.ts';

export const parameterTypes = ['STRING', 'INT', 'FLOAT', 'BOOLEAN', 'ENUM', 'SEED', 'MODEL', 'FILE'] as const;
export type ParameterType = (typeof parameterTypes)[number];

/** `value` is the name in the API (a GraphQL enum name), `label` is ComfyUI's name. */
export interface Choice {
  value: string;
  label: string;
}

/**
 * A parameter as the manifest declares it. A property that the manifest leaves out, and that has no default, is null.
 */
export interface WorkflowParameter {
  name: string;
  /** For forms, as `multiline` and `advanced` are. */
  title: string;
  /** STRING: whether a form gives it several lines. */
  multiline: boolean;
  /** Whether a form may hide it until it is asked for. */
  advanced: boolean;
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
  /** Only of an ENUM; otherwise null. */
  choices: Choice[] | null;
  /** MODEL: `Class.input`. Its options at the running servers are the choices of the parameter. */
  modelOf: string | null;
  /** FILE: the kind of file that the parameter takes. */
  file: FileKind | null;
}

/**
 * The parsed input with defaults, or every fault in it, with the parameters that have none. An absent SEED is still
 * absent: `complete` draws it.
 */
export type ParsedInput =
  | { ok: true; parameters: { [name: string]: Json } }
  | { ok: false; issues: InputIssue[]; parameters: { [name: string]: Json } };

export interface Workflow {
  name: string;
  title: string;
  description: string | null;
  /** Kinds of what it makes, each once. */
  makes: ArtifactKind[];
  parameters: WorkflowParameter[];
  /**
   * The template's text (see core/template.ts) and its SHA-256 in hex. `sizes`: names of the parameters that may become
   * numbers in the graph, seeds left out: steps and sizes, which decide how long it takes and how large its pictures
   * are.
   */
  template: { hash: string; text: string; sizes: readonly string[] };
  /** The number of nodes in the graph. */
  nodesTotal: number;
  /**
   * Checks an input. A field that is null counts as absent. `path` is the prefix of the paths of the issues. Enum
   * values keep their GraphQL names.
   */
  parse(input: { [name: string]: unknown }, path: (string | number)[]): ParsedInput;
  /** Draws the seeds that are absent. `randomSeed` returns an integer from 0 to 2^53-1. */
  complete(parameters: { [name: string]: Json }, randomSeed: () => number): { [name: string]: Json };
}

/** The workflows of the installation. Each is a field of the GraphQL type `WorkflowInput`. */
export interface WorkflowCatalogue {
  workflows: readonly Workflow[];
  get(name: string): Workflow | undefined;
}

/**
 * A fault of an installed workflow. `file` is a path below the workflows folder, `field` a field within the file, or ''
 * for the whole file.
 */
export interface CatalogueFault {
  file: string;
  field: string;
  reason: string;
}

export function faultLine({ file, field, reason }: CatalogueFault): string {
  return [file, field, reason].filter(Boolean).join(': ');
}

/** The workflows cannot be used. The message has a line for each fault. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
  readonly faults: readonly CatalogueFault[];

  constructor(dir: string, faults: readonly CatalogueFault[]) {
    const lines = faults.map((fault) => `  ${faultLine(fault)}`);
    super([`the workflows in ${dir} cannot be used:`, ...lines].join('\n'));
    this.faults = faults;
  }
}
