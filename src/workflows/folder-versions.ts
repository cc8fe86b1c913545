import type { CatalogueFault, Workflow } from './catalogue.ts';
import { typeCollisions } from './type-collisions.ts';

/** What the files of a folder were when they were read. */
export interface Version {
  /** By which equal files are told: then nothing has changed. */
  hash: string;
  /** Null where there are faults. */
  workflow: Workflow | null;
  faults: readonly CatalogueFault[];
}

/** One without faults. */
interface UsableVersion extends Version {
  workflow: Workflow;
}

export interface FolderVersions {
  /** Null: the folder is gone. */
  newest: Version | null;
  /** In the catalogue. */
  used: UsableVersion | null;
}

/** The versions that go together, by folder, and what is wrong with the newest ones that are not among them. */
interface ChosenVersions {
  versions: Map<string, UsableVersion>;
  faults: Map<string, readonly CatalogueFault[]>;
}

/**
 * The newest versions that can be used and whose types do not collide, in the order of `folders`; for the other
 * folders those that are used now, which go together. So two folders that share an enum type may change one after the
 * other: the first waits for the second.
 */
export function chooseVersions(folders: ReadonlyMap<string, FolderVersions>): ChosenVersions {
  const versions = new Map<string, UsableVersion>();
  const faults: ChosenVersions['faults'] = new Map();
  for (const [name, { newest, used }] of folders) {
    const usable = isUsable(newest) ? newest : newest && used;
    if (usable) versions.set(name, usable);
    if (newest && newest.faults.length > 0) faults.set(name, newest.faults);
  }
  for (;;) {
    const isOld = (name: string) => versions.get(name) === folders.get(name)?.used;
    // Those that are used now come first: to blame is then one that is not.
    const names = [...versions.keys()];
    const inOrder = [...names.filter(isOld), ...names.filter((name) => !isOld(name))];
    const collisions = typeCollisions(inOrder.flatMap((name) => versions.get(name)?.workflow ?? []));
    const [first] = collisions;
    if (!first) return { versions, faults };
    const name = folderOf(first);
    if (isOld(name)) throw new Error(`workflows that are used collide: ${first.reason}`);
    faults.set(
      name,
      collisions.filter((fault) => folderOf(fault) === name),
    );
    const before = folders.get(name)?.used;
    if (before) versions.set(name, before);
    else versions.delete(name);
  }
}

function isUsable(version: Version | null): version is UsableVersion {
  return version !== null && version.workflow !== null;
}

/** The folder that a fault of a file is in. */
function folderOf({ file }: CatalogueFault): string {
  return file.split('/', 1)[0] ?? '';
}
