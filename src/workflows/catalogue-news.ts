import { type CatalogueFault, faultLine } from './catalogue.ts';

/** What a look at the workflows folder has found out. */
export interface CatalogueNews {
  added: string[];
  changed: string[];
  removed: string[];
  /**
   * Folders that cannot be used as they are now, told once for as long as their faults stay the same; '': there is no
   * telling which folders there are.
   */
  broken: { folder: string; faults: readonly CatalogueFault[] }[];
  /** Folders that were told to be broken, and are not any more or are gone. */
  mended: string[];
}

type Faults = ReadonlyMap<string, readonly CatalogueFault[]>;

/**
 * Tells of faults that are the same at two looks: what is written in several steps may be broken in between. A call is
 * a look; `faults` are those of all folders, `moving` the folders that are being written to.
 */
export function createFaultNews() {
  let before = new Map<string, string>();
  const told = new Map<string, string>();

  return (faults: Faults, moving: ReadonlySet<string>): Pick<CatalogueNews, 'broken' | 'mended'> => {
    const broken: CatalogueNews['broken'] = [];
    const now = new Map<string, string>();
    for (const [folder, each] of faults) {
      if (moving.has(folder)) continue;
      const text = each.map(faultLine).join('\n');
      now.set(folder, text);
      if (before.get(folder) !== text || told.get(folder) === text) continue;
      told.set(folder, text);
      broken.push({ folder, faults: each });
    }
    before = now;
    const mended = [...told.keys()].filter((folder) => !faults.has(folder));
    for (const folder of mended) told.delete(folder);
    return { broken, mended };
  };
}
