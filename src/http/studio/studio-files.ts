import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the studio is built to. */
export const STUDIO_FOLDER = fileURLToPath(new URL('../../../studio/dist', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** Best first. The build leaves a copy by each beside a file. */
const ENCODINGS = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const;

export type Encoding = (typeof ENCODINGS)[number]['name'];

export interface StudioFile {
  type: string;
  etag: string;
  plain: Buffer;
  /** The same, compressed. */
  encoded: ReadonlyMap<Encoding, Buffer>;
}

/** All files of a built studio by their names; null where there is none. They take about a megabyte. */
export async function readStudio(folder: string): Promise<ReadonlyMap<string, StudioFile> | null> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const bytes = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
  );
  const files = [...bytes].flatMap(([name, plain]): [string, StudioFile][] => {
    const type = TYPES[extname(name)];
    if (type === undefined) return [];
    const encoded = ENCODINGS.flatMap(({ name: encoding, suffix }): [Encoding, Buffer][] => {
      const copy = bytes.get(name + suffix);
      return copy ? [[encoding, copy]] : [];
    });
    const etag = `"${createHash('sha256').update(plain).digest('base64url')}"`;
    return [[name, { type, etag, plain, encoded: new Map(encoded) }]];
  });
  return files.length === 0 ? null : new Map(files);
}

/** The best copy that a client takes, by its Accept-Encoding. */
export function chooseEncoding({ encoded }: StudioFile, accepted: string): Encoding | null {
  const taken = accepted.split(',').flatMap((part) => {
    const [name = '', quality = ''] = part.trim().split(';');
    return /^\s*q=0(?:\.0*)?\s*$/.test(quality) ? [] : [name];
  });
  return ENCODINGS.find(({ name }) => encoded.has(name) && taken.includes(name))?.name ?? null;
}
