import type { Artifact, Comfy, Job } from '@comfygate/client';
import { download } from '../code/operations.ts';
import { fileSize } from './words.ts';

/** Bytes that a browser keeps on its disk for one archive without trouble. */
const MAX_ARCHIVE_BYTES = 2_000_000_000;

/** A result that is to be saved; one of a job that has none is nothing. */
export interface Saved {
  job: Job;
  artifact: Artifact | null;
}

interface Addresses {
  job: { artifacts: { id: string; url: string }[] } | null;
}

/** Saves one file under its own name, wherever it is stored, or many in one archive. `signal` ends it. */
export async function saveFiles(comfy: Comfy, given: readonly Saved[], signal: AbortSignal): Promise<void> {
  const files = given.flatMap(({ job, artifact }) => (artifact ? [{ job, artifact }] : []));
  const [only] = files;
  if (only && files.length === 1) return saveFile(comfy, only);
  const bytes = files.reduce((sum, { artifact }) => sum + artifact.size, 0);
  if (bytes > MAX_ARCHIVE_BYTES) {
    throw new Error(`That is too much for one archive: choose at most ${fileSize(MAX_ARCHIVE_BYTES)}.`);
  }
  return saveArchive(comfy, files, signal);
}

interface Result extends Saved {
  artifact: Artifact;
}

async function saveFile(comfy: Comfy, { job, artifact }: Result): Promise<void> {
  const { query, variables } = download(job.id);
  const answer = await comfy.query<Addresses>(query, variables);
  const found = answer.job?.artifacts.find(({ id }) => id === artifact.id);
  if (!found) throw new Error('This result has been removed.');
  follow(found.url, artifact.filename);
}

async function saveArchive(comfy: Comfy, results: readonly Result[], signal: AbortSignal): Promise<void> {
  const { downloadZip } = await import('client-zip');
  const names = archiveNames(results.map(({ artifact }) => artifact.filename));
  async function* files() {
    for (const [i, { job, artifact }] of results.entries()) {
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
  follow(address, `comfygate-${results.length}.zip`);
  // The browser reads it after this turn of the event loop.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Names in an archive: those of the files, with a number where two are the same. */
export function archiveNames(filenames: readonly string[]): string[] {
  const used = new Set<string>();
  return filenames.map((filename) => {
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
