import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { NodeDefinitions } from '../../core/node-definitions.ts';
import { isErrno } from '../../files/errno.ts';
import type { CatalogueFault, Workflow } from '../catalogue.ts';
import { inputTypeName } from '../check-names.ts';
import { type ReadWorkflow, readWorkflowFile } from '../files/read-workflow-file.ts';
import { classesIn, knowingMost } from '../known-classes.ts';
import { workflowFolders } from '../load.ts';
import { manifestJsonSchema } from '../manifest.ts';
import { readWorkflow } from '../read-workflow.ts';
import { MAX_WORKFLOWS } from '../workflow-files.ts';
import { makeManifest } from './make-manifest.ts';
import { workflowName, workflowNameFault } from './names.ts';

export interface AddOptions {
  /** What `readWorkflowFile` reads: an export, what the editor saves, a picture with either in it. */
  file: string;
  /** The workflow's name. Default: made of the file's name. */
  name: string | null;
  /** The workflows folder. It is created if it is missing. */
  dir: string;
  /** Whether a workflow of that name may be overwritten. */
  force: boolean;
  /** By which the file is understood: of these the node definitions that know most of its classes. */
  candidates: readonly NodeDefinitions[];
  stock: NodeDefinitions;
  maxMegapixels: number;
}

export interface Added {
  workflow: Workflow;
  folder: string;
  /** Notes for a person: marks without an input, what was guessed or left out, other workflows with faults. */
  notes: string[];
}

export type AddFailure =
  /** No workflow can have this name. */
  | 'name'
  /** There is one of this name, or one whose types would be called the same. */
  | 'exists'
  | 'twin'
  /** The file is none of which a workflow can be made. */
  | 'file'
  /** The folder has as many workflows as are taken. */
  | 'full'
  /** The folder cannot be written, or its disk has no room. */
  | 'unwritable'
  | 'noRoom';

/** The workflow cannot be added. The message says why to a person at a terminal, and what to do instead. */
export class AddError extends Error {
  override readonly name = 'AddError';
  readonly reason: AddFailure;
  /** The same for whoever has not named the file by a path. */
  readonly faults: readonly string[];

  constructor(reason: AddFailure, faults: readonly string[], message = faults.join('\n  '), options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.faults = faults;
  }
}

/** Makes a workflow of an export: a folder with its graph and a valid manifest. Rejects with an AddError. */
export async function addWorkflow(options: AddOptions): Promise<Added> {
  const { file, dir, force, candidates, stock, maxMegapixels } = options;
  const name = options.name ?? workflowName(file);
  const fault = workflowNameFault(name);
  if (fault) throw new AddError('name', [fault], `a workflow cannot be called ${JSON.stringify(name)}: ${fault}`);
  if (dir.split(sep).includes('node_modules')) throw ofPackage(dir);
  const read = await readFileOf(file, candidates);
  if (!read.ok) throw new AddError('file', read.faults, [`${file} cannot be added:`, ...read.faults].join('\n  '));
  const { graph, app } = read;

  await writing(dir, () => mkdir(dir, { recursive: true }));
  const folder = join(dir, name);
  if (!force && (await exists(folder))) throw existing(folder);
  const others = await readOthers(dir, name, maxMegapixels);
  if (others.names.length >= MAX_WORKFLOWS) {
    throw new AddError('full', [`there are ${MAX_WORKFLOWS} workflows, the most that are taken: remove one`]);
  }
  const twin = others.names.find((other) => inputTypeName(other) === inputTypeName(name));
  if (twin) {
    const collision = `the input type of ${name} would be that of ${twin}`;
    throw new AddError('twin', [collision], `${collision}: choose another --name`);
  }

  const inputTypes = new Set([name, ...others.names].map(inputTypeName));
  const made = makeManifest({
    name,
    graph,
    nodeDefinitions: knowingMost(candidates, classesIn(graph)) ?? stock,
    stock,
    enumTypes: others.enumTypes,
    inputTypes,
    app,
    maxMegapixels,
  });
  const { manifest } = made;
  if (!manifest) {
    const hint = 'nothing in it is set by hand; in the editor, a title like $prompt marks what callers are to set';
    throw new AddError('file', [hint, ...made.notes], [`${file}: ${hint}`, ...made.notes].join('\n  '));
  }

  const workflow = await writing(dir, async () => {
    // The draft lies in the workflows folder, so that renaming it is atomic. `loadCatalogue` ignores names with a
    // leading dot.
    const draft = await mkdtemp(join(dir, '.adding-'));
    try {
      await mkdir(join(draft, name));
      await writeJson(join(draft, name, 'graph.json'), made.graph);
      await writeJson(join(draft, name, 'manifest.json'), manifest);
      const faults: CatalogueFault[] = [];
      const drafted = await readWorkflow({ dir: draft, name, maxMegapixels, report: (it) => faults.push(it) });
      if (!drafted || faults.length > 0)
        throw new Error(`a manifest was made that does not load: ${JSON.stringify(faults)}`);
      await putInPlace(join(draft, name), folder, force);
      await writeSchema(dir);
      return drafted;
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  });
  return { workflow, folder, notes: [...read.notes, ...made.notes, ...others.notes] };
}

/**
 * A new folder comes in one step, so that of two that add the same name at once one is refused. Of one that is replaced
 * what lies beside the two files stays.
 */
async function putInPlace(drafted: string, folder: string, force: boolean): Promise<void> {
  if (force && (await exists(folder))) {
    for (const part of ['graph.json', 'manifest.json']) await rename(join(drafted, part), join(folder, part));
    return;
  }
  try {
    await rename(drafted, folder);
  } catch (error) {
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw existing(folder);
    throw error;
  }
}

function existing(folder: string): AddError {
  const message = `${folder} is there already: choose another --name, or overwrite it with --force`;
  return new AddError('exists', ['there is a workflow of that name'], message);
}

/** The folder is the installed package's own. */
function ofPackage(dir: string): AddError {
  const fault = 'the workflows belong to the installed package, and its next version replaces them';
  const advice = 'make a folder of your own with `comfygate init`, or name one by WORKFLOWS_DIR';
  return new AddError('unwritable', [`${fault}: ${advice}`], `${dir}: ${fault}: ${advice} or --dir`);
}

/** What `work` gives, which writes into the folder. */
async function writing<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const isFull = isErrno(cause, 'ENOSPC', 'EDQUOT');
    if (!isFull && !isErrno(cause, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOENT')) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    const fault = `the folder of workflows cannot be written (${code})`;
    throw new AddError(isFull ? 'noRoom' : 'unwritable', [fault], `${dir}: ${fault}`, { cause });
  }
}

/** The other workflows, as far as they can be read: their names and their enum types. */
async function readOthers(dir: string, name: string, maxMegapixels: number) {
  const faults: CatalogueFault[] = [];
  const names = (await workflowFolders(dir, faults)).filter((other) => other !== name);
  const enumTypes = new Map<string, readonly string[]>();
  for (const other of names) {
    const workflow = await readWorkflow({ dir, name: other, maxMegapixels, report: (fault) => faults.push(fault) });
    for (const { enumType, choices } of workflow?.parameters ?? []) {
      if (enumType && choices) {
        enumTypes.set(
          enumType,
          choices.map(({ value, label }) => `${value}=${label}`),
        );
      }
    }
  }
  const notes = faults.map(({ file, field, reason }) =>
    ['another workflow cannot be used', file, field, reason].filter(Boolean).join(': '),
  );
  return { names, enumTypes, notes };
}

async function readFileOf(file: string, candidates: readonly NodeDefinitions[]): Promise<ReadWorkflow> {
  try {
    return await readWorkflowFile(file, candidates);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AddError('file', ['it cannot be read'], `${file} cannot be read: ${reason}`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`, { flush: true });
}

/** Writes the JSON Schema that manifests name as their `$schema`, for editors: an older one knows less of them. */
async function writeSchema(dir: string): Promise<void> {
  await writeJson(join(dir, 'manifest.schema.json'), manifestJsonSchema());
}
