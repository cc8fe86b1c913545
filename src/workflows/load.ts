import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../core/canonical-json.ts';
import {
  CatalogueError,
  type CatalogueFault,
  type Choice,
  type Workflow,
  type WorkflowCatalogue,
} from './catalogue.ts';
import { inputTypeName } from './check-names.ts';
import { readWorkflow } from './read-workflow.ts';

export interface LoadOptions {
  /** Holds a folder for each workflow, with the workflow's name, its `graph.json` and its `manifest.json`. */
  dir: string;
  /** MAX_MEGAPIXELS, in millions of pixels. */
  maxMegapixels: number;
}

/**
 * Reads all installed workflows, sorted by name. Plain files, and names that begin with a dot, are ignored. Rejects
 * with a CatalogueError that lists every fault of every file.
 */
export async function loadCatalogue({ dir, maxMegapixels }: LoadOptions): Promise<WorkflowCatalogue> {
  const faults: CatalogueFault[] = [];
  const names = await workflowFolders(dir, faults);
  const workflows: Workflow[] = [];
  for (const name of names) {
    const workflow = await readWorkflow({ dir, name, maxMegapixels, report: (fault) => faults.push(fault) });
    if (workflow) workflows.push(workflow);
  }
  faults.push(...inputTypeCollisions(names), ...enumTypeCollisions(workflows, names));
  if (faults.length > 0) throw new CatalogueError(dir, faults);

  const byName = new Map(workflows.map((workflow) => [workflow.name, workflow]));
  return { workflows, get: (name) => byName.get(name) };
}

/**
 * The names of the workflows' folders, sorted. When they cannot be listed the result is empty, and a fault is added.
 */
export async function workflowFolders(dir: string, faults: CatalogueFault[]): Promise<string[]> {
  try {
    const names = (await readdir(dir)).filter((name) => !name.startsWith('.')).sort();
    // The entry's own type would not do: in a mounted ConfigMap the folders are symbolic links, which `stat` follows.
    const isFolder = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).isDirectory()));
    return names.filter((_, index) => isFolder[index]);
  } catch (error) {
    faults.push({
      file: '',
      field: '',
      reason: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    });
    return [];
  }
}

/** Reports names that give the same GraphQL type, such as `upscale` and `Upscale`. */
function inputTypeCollisions(names: string[]): CatalogueFault[] {
  const taken = new Map<string, string>();
  return names.flatMap((name) => {
    const type = inputTypeName(name);
    const other = taken.get(type);
    taken.set(type, name);
    return other === undefined
      ? []
      : [{ file: name, field: '', reason: `its input type would be ${type}, as that of ${other}` }];
  });
}

/** Workflows may share an enum type when its choices are equal. It must not have the name of an input type. */
function enumTypeCollisions(workflows: Workflow[], names: string[]): CatalogueFault[] {
  const inputTypes = new Map(names.map((name) => [inputTypeName(name), name]));
  const taken = new Map<string, { choices: string; owner: string }>();
  const faults: CatalogueFault[] = [];
  for (const workflow of workflows) {
    for (const { name, enumType, choices } of workflow.parameters) {
      if (enumType === null || choices === null) continue;
      const at = { file: `${workflow.name}/manifest.json`, field: `parameters.${name}.enumType` };
      const input = inputTypes.get(enumType);
      if (input !== undefined) faults.push({ ...at, reason: `${enumType} is the input type of ${input}` });
      const other = taken.get(enumType);
      const own = { choices: textOf(choices), owner: `${workflow.name}.${name}` };
      if (other === undefined) taken.set(enumType, own);
      else if (other.choices !== own.choices) {
        faults.push({ ...at, reason: `${enumType} has other choices at ${other.owner}; name it otherwise` });
      }
    }
  }
  return faults;
}

/** Equal for equal choices, whatever their order. */
function textOf(choices: Choice[]): string {
  return canonicalJson(choices.map(({ value, label }) => `${value}=${label}`).sort());
}
