import { fileURLToPath } from 'node:url';
import type { LocalFile } from '../app/upload-files.ts';
import type { Config } from '../config/config.ts';
import type { FileKind } from '../core/file-source.ts';
import { findEmbeddedRedis } from '../embedded/redis.ts';
import type { Workflow } from '../workflows/catalogue.ts';
import type { SampleFiles } from './sample-call.ts';

/**
 * Small files that come with the product, made for it: a lighthouse of 512 by 512 pixels with a transparent spot, for
 * nodes that take a mask of the picture; that spot as a mask, by its alpha and by its colours; a chord of five seconds;
 * and a film of three, with sound.
 */
const SAMPLES: { [kind in FileKind]: LocalFile } = {
  image: { path: pathOf('picture.png'), contentType: 'image/png' },
  mask: { path: pathOf('mask.png'), contentType: 'image/png' },
  audio: { path: pathOf('sound.mp3'), contentType: 'audio/mpeg' },
  video: { path: pathOf('film.mp4'), contentType: 'video/mp4' },
};

/** Addresses that nothing answers at, to be replaced. */
const PLACEHOLDERS: SampleFiles = {
  image: { url: 'https://example.org/a-picture-of-yours.png' },
  mask: { url: 'https://example.org/a-mask-of-yours.png' },
  audio: { url: 'https://example.org/a-sound-of-yours.mp3' },
  video: { url: 'https://example.org/a-film-of-yours.mp4' },
};

const NAMES: { [kind in FileKind]: string } = { image: 'a picture', mask: 'a mask', audio: 'a sound', video: 'a film' };

export interface CallFiles {
  files: SampleFiles;
  /** Lines for a person: what the files of the call are, or what to put in their place. None where it has no files. */
  about: string[];
}

/**
 * Files for a call of a workflow. Where an installation can be reached, by REDIS_URL or as an `npm start` on DATA_DIR,
 * samples are uploaded to it, so that the call runs as it is, also where no server reaches the internet.
 */
export async function sampleFiles(workflow: Workflow, config: Config): Promise<CallFiles> {
  const required = workflow.parameters.filter((parameter) => parameter.required);
  const kinds = [...new Set(required.flatMap(({ file }) => file ?? []))];
  if (kinds.length === 0) return { files: PLACEHOLDERS, about: [] };
  const names = kinds.map((kind) => NAMES[kind]).join(' and ');
  try {
    const uploaded = await uploadSamples(kinds, config);
    const keptUntil = new Date(Math.min(...uploaded.map((each) => each.keptUntil))).toISOString();
    return {
      files: { ...PLACEHOLDERS, ...Object.fromEntries(uploaded.map(({ kind, id }) => [kind, { upload: id }])) },
      about: [
        `Uploaded for it is a sample of ${names}, kept until ${keptUntil} and as long as jobs name it.`,
        'For a file of yours, `createUpload` gives the id to put here, and an address to send it to: docs/inputs.md.',
      ],
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      files: PLACEHOLDERS,
      about: [
        `No sample of ${names} could be uploaded: ${reason}.`,
        'In place of https://example.org/… put an address of yours, or the id of an upload: docs/inputs.md.',
      ],
    };
  }
}

async function uploadSamples(kinds: readonly FileKind[], config: Config) {
  const { auth } = config.http;
  if (auth && !auth.includes('none'))
    throw new Error("a file is its caller's, and by AUTH callers have keys or tokens");
  const url = config.redis.url ?? (await findEmbeddedRedis(config.folder.dataDir));
  if (url === null) throw new Error('no `npm start` runs on DATA_DIR, and REDIS_URL is not set');
  const [{ uploadFiles }, { pino }] = await Promise.all([import('../app/upload-files.ts'), import('pino')]);
  const files = kinds.map((kind) => ({ kind, ...SAMPLES[kind] }));
  return uploadFiles(config, url, files, pino({ level: 'silent' }));
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`./samples/${name}`, import.meta.url));
}
