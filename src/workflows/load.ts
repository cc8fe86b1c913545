import { sha256 } from '../core/canonical-json.ts';
import { CatalogueError, type CatalogueFault, type Workflow, type WorkflowCatalogue } from './catalogue.ts';
import { type CatalogueNews, createFaultNews } from './catalogue-news.ts';
import { chooseVersions, type FolderVersions, type Version } from './folder-versions.ts';
import { parseWorkflow } from './read-workflow.ts';
import { typeCollisions } from './type-collisions.ts';
import { lookAtFolders, readWorkflowFiles, signatureOf } from './workflow-files.ts';

export interface LoadOptions {
  /** Holds a folder for each workflow, with the workflow's name, its `graph.json` and its `manifest.json`. */
  dir: string;
  /** MAX_MEGAPIXELS, in millions of pixels. */
  maxMegapixels: number;
}

/** A catalogue that follows its folder, as often as it is told to look. */
export interface LoadedCatalogue extends WorkflowCatalogue {
  /**
   * Takes what has changed in the folder since it was read and is the same as at the last look: whoever writes may not
   * be through. The last version without faults stays of a folder that has some, and everything while there is no
   * telling which folders there are. Not to be called again before it has resolved.
   */
  look(): Promise<CatalogueNews>;
}

interface Folder extends FolderVersions {
  /** Its signature at the last look, and the one that it was read with. Null: it was not there. */
  seen: string | null;
  read: string | null;
}

/** Stands for the folder of all workflows among the names of their folders. */
const WHOLE = '';

/**
 * Reads all installed workflows, sorted by name. Plain files, and names that begin with a dot, are ignored. Rejects
 * with a CatalogueError that lists every fault of every file.
 */
export async function loadCatalogue({ dir, maxMegapixels }: LoadOptions): Promise<LoadedCatalogue> {
  const folders = new Map<string, Folder>();
  const faultNews = createFaultNews();
  let faults: ReadonlyMap<string, readonly CatalogueFault[]> = new Map();
  let workflows: readonly Workflow[] = [];
  let byName: ReadonlyMap<string, Workflow> = new Map();

  async function readVersion(name: string): Promise<Version> {
    const files = await readWorkflowFiles(dir, name);
    const found: CatalogueFault[] = [];
    const workflow = parseWorkflow(files, { name, maxMegapixels, report: (fault) => found.push(fault) });
    return { hash: sha256(JSON.stringify(files)), workflow: found.length > 0 ? null : workflow, faults: found };
  }

  /** Reads all, and uses all. */
  async function readAll(): Promise<void> {
    const seen = await lookAtFolders(dir);
    if (!(seen instanceof Map)) throw new CatalogueError(dir, [seen]);
    const found: CatalogueFault[] = [];
    for (const [name, signature] of seen) {
      const newest = await readVersion(name);
      folders.set(name, { seen: signature, read: signature, newest, used: null });
      found.push(...newest.faults);
    }
    const named = [...folders].map(([name, { newest }]) => newest?.workflow ?? { name, parameters: [] });
    found.push(...typeCollisions(named));
    if (found.length > 0) throw new CatalogueError(dir, found);
    use();
  }

  /** Puts into the catalogue what can be used now, and says how that differs from what was in it. */
  function use(): Pick<CatalogueNews, 'added' | 'changed' | 'removed'> {
    const chosen = chooseVersions(folders);
    ({ faults } = chosen);
    const news: ReturnType<typeof use> = { added: [], changed: [], removed: [] };
    for (const [name, folder] of folders) {
      const version = chosen.versions.get(name) ?? null;
      if (version !== folder.used) {
        news[folder.used === null ? 'added' : version === null ? 'removed' : 'changed'].push(name);
        folder.used = version;
      }
    }
    workflows = [...chosen.versions.values()]
      .map(({ workflow }) => workflow)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    byName = new Map(workflows.map((workflow) => [workflow.name, workflow]));
    return news;
  }

  /** Gives whether it was read anew, or null while it has not come to rest. */
  async function refresh(name: string, signature: string | null): Promise<boolean | null> {
    const folder = folders.get(name) ?? { seen: null, read: null, newest: null, used: null };
    folders.set(name, folder);
    const before = folder.seen;
    folder.seen = signature;
    if (signature === folder.read) {
      if (signature === null) folders.delete(name);
      return false;
    }
    if (signature !== before) return null;
    const newest = signature === null ? null : await readVersion(name);
    if (signature !== null && (await signatureOf(dir, name)) !== signature) return null;
    folder.read = signature;
    folder.newest = newest !== null && newest.hash === folder.used?.hash ? folder.used : newest;
    return true;
  }

  async function look(): Promise<CatalogueNews> {
    let news: ReturnType<typeof use> = { added: [], changed: [], removed: [] };
    const seen = await lookAtFolders(dir);
    if (!(seen instanceof Map)) return { ...news, ...faultNews(new Map([...faults, [WHOLE, [seen]]]), new Set()) };
    const moving = new Set<string>();
    let isNew = false;
    for (const name of new Set([...folders.keys(), ...seen.keys()])) {
      const read = await refresh(name, seen.get(name) ?? null);
      if (read === null) moving.add(name);
      else isNew ||= read;
    }
    if (isNew) news = use();
    return { ...news, ...faultNews(faults, moving) };
  }

  await readAll();
  return {
    get workflows() {
      return workflows;
    },
    get: (name) => byName.get(name),
    look,
  };
}

/**
 * The names of the workflows' folders, sorted. When they cannot be listed the result is empty, and a fault is added.
 */
export async function workflowFolders(dir: string, faults: CatalogueFault[]): Promise<string[]> {
  const seen = await lookAtFolders(dir);
  if (seen instanceof Map) return [...seen.keys()];
  faults.push(seen);
  return [];
}
