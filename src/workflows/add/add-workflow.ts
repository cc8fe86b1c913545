import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeDefinitions } from '../../core/node-definitions.ts';
import type { CatalogueFault, Workflow } from '../catalogue.ts';
import { inputTypeName } from '../check-names.ts';
import { type ReadWorkflow, readWorkflowFile } from '../files/read-workflow-file.ts';
import { classesIn, knowingMost } from '../known-classes.ts';
import { workflowFolders } from '../load.ts';
import { manifestJsonSchema } from '../manifest.ts';
import { readWorkflow } from '../read-workflow.ts';
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

/** The workflow cannot be added. The message says why, and what to do instead. */
export class AddError extends Error {
  override readonly name = 'AddError';
}

/** Makes a workflow of an export: a folder with its graph and a valid manifest. Rejects with an AddError. */
export async function addWorkflow(options: AddOptions): Promise<Added> {
  const { file, dir, force, candidates, stock, maxMegapixels } = options;
  const name = options.name ?? workflowName(file);
  const fault = workflowNameFault(name);
  if (fault) throw new AddError(`a workflow cannot be called ${JSON.stringify(name)}: ${fault}`);
  const read = await readFileOf(file, candidates);
  if (!read.ok) throw new AddError([`${file} cannot be added:`, ...read.faults].join('\n  '));
  const { graph, app } = read;

  await mkdir(dir, { recursive: true });
  const folder = join(dir, name);
  if (!force && (await exists(folder))) {
    throw new AddError(`${folder} is there already: choose another --name, or overwrite it with --force`);
  }
  const others = await readOthers(dir, name, maxMegapixels);
  const twin = others.names.find((other) => inputTypeName(other) === inputTypeName(name));
  if (twin) throw new AddError(`the input type of ${name} would be that of ${twin}: choose another --name`);

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
  if (!made.manifest) {
    const hint = 'nothing in it is set by hand; in the editor, a title like $prompt marks what callers are to set';
    throw new AddError([`${file}: ${hint}`, ...made.notes].join('\n  '));
  }

  // The draft lies in the workflows folder, so that renaming it is atomic. `loadCatalogue` ignores names with a leading
  // dot.
  const draft = await mkdtemp(join(dir, '.adding-'));
  try {
    await mkdir(join(draft, name));
    await writeJson(join(draft, name, 'graph.json'), made.graph);
    await writeJson(join(draft, name, 'manifest.json'), made.manifest);
    const faults: CatalogueFault[] = [];
    const workflow = await readWorkflow({ dir: draft, name, maxMegapixels, report: (it) => faults.push(it) });
    if (!workflow || faults.length > 0)
      throw new Error(`a manifest was made that does not load: ${JSON.stringify(faults)}`);
    await mkdir(folder, { recursive: force });
    for (const part of ['graph.json', 'manifest.json']) await rename(join(draft, name, part), join(folder, part));
    await writeSchema(dir);
    return { workflow, folder, notes: [...read.notes, ...made.notes, ...others.notes] };
  } finally {
    await rm(draft, { recursive: true, force: true });
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
    throw new AddError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Writes the JSON Schema that manifests name as their `$schema`, for editors: an older one knows less of them. */
async function writeSchema(dir: string): Promise<void> {
  await writeJson(join(dir, 'manifest.schema.json'), manifestJsonSchema());
}
