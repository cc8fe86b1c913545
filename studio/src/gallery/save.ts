import type { Comfy } from '@comfygate/client';
import { download } from '../code/operations.ts';
import type { Tile } from './rows.ts';

/** Bytes that a browser keeps on its disk for one archive without trouble. */
export const MAX_ARCHIVE_BYTES = 2_000_000_000;

interface Saved {
  job: { artifacts: { id: string; url: string }[] } | null;
}

/** Saves a file under its own name, wherever it is stored. */
export async function saveFile(comfy: Comfy, { job, artifact }: Tile): Promise<void> {
  if (!artifact) return;
  const { query, variables } = download(job.id);
  const answer = await comfy.query<Saved>(query, variables);
  const found = answer.job?.artifacts.find(({ id }) => id === artifact.id);
  if (!found) throw new Error('This result has been removed.');
  follow(found.url, artifact.filename);
}

/** Saves many in one archive. `signal` ends it. */
export async function saveArchive(comfy: Comfy, tiles: readonly Tile[], signal: AbortSignal): Promise<void> {
  const { downloadZip } = await import('client-zip');
  const names = archiveNames(tiles);
  async function* files() {
    for (const [i, { job, artifact }] of tiles.entries()) {
      if (!artifact) continue;
      let response = await fetch(artifact.url, { signal });
      // Its address may have ended since the page was opened.
      if (!response.ok) {
        const fresh = (await comfy.job(job.id))?.artifacts.find(({ id }) => id === artifact.id);
        if (fresh) response = await fetch(fresh.url, { signal });
      }
      if (!response.ok) throw new Error(`${artifact.filename} could not be fetched (${response.status}).`);
      yield { name: names[i] ?? artifact.filename, lastModified: new Date(job.createdAt), input: response };
    }
  }
  const archive = await downloadZip(files()).blob();
  const address = URL.createObjectURL(archive);
  follow(address, `comfygate-${tiles.length}.zip`);
  // The browser reads it after this turn of the event loop.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Names in an archive: those of the files, with a number where two are the same. */
export function archiveNames(tiles: readonly Tile[]): string[] {
  const used = new Set<string>();
  return tiles.map(({ artifact }) => {
    const filename = artifact?.filename ?? '';
    const dot = filename.lastIndexOf('.');
    const [stem, end] = dot > 0 ? [filename.slice(0, dot), filename.slice(dot)] : [filename, ''];
    let name = filename;
    for (let i = 2; used.has(name); i++) name = `${stem} (${i})${end}`;
    used.add(name);
    return name;
  });
}

function follow(address: string, filename: string) {
  const link = document.createElement('a');
  link.href = address;
  link.download = filename;
  link.click();
}
