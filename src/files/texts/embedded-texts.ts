import { type FileHandle, open } from 'node:fs/promises';
import { fileTypeFromFile } from 'file-type';
import { readExifTexts } from './exif-texts.ts';
import { looksLikeSafetensors, readGlbTexts, readSafetensorsTexts } from './json-headers.ts';
import { readMediaTags } from './media-tags.ts';
import { readPngTexts } from './png-texts.ts';
import { MOST_TEXT_BYTES, readAt, type Texts, tooLarge } from './texts.ts';

export interface EmbeddedTexts {
  /** The type that the bytes show. */
  type: string;
  /** Where was looked, for a message; null: no texts are read out of files of this type. */
  where: string | null;
  texts: Texts;
}

interface Reader {
  types: RegExp;
  where: string;
  read(file: FileHandle, size: number, path: string): Promise<Texts>;
}

const READERS: readonly Reader[] = [
  { types: /^image\/a?png$/, where: 'its chunks tEXt, zTXt, iTXt and comf', read: readPngTexts },
  { types: /^image\/(?:webp|avif|jpeg)$/, where: 'its EXIF data', read: (_, __, path) => readExifTexts(path) },
  { types: /^(?:video|audio)\/|^application\/ogg$/, where: 'its tags', read: readMediaTags },
  { types: /^model\/gltf-binary$/, where: 'the extras of its asset', read: readGlbTexts },
  { types: /^application\/x-safetensors$/, where: 'its __metadata__', read: readSafetensorsTexts },
  { types: /^image\/svg\+xml$/, where: 'its <metadata>', read: readSvgTexts },
];

/**
 * What a picture, film, sound, 3D model or tensor file says in texts beside what it shows. Null: it is none, and may be
 * a text itself. Of a large file only a few pieces are read. Rejects with an UnreadableTextsError.
 */
export async function readEmbeddedTexts(path: string): Promise<EmbeddedTexts | null> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const signed = (await fileTypeFromFile(path))?.mime.split(';', 1)[0];
  const type = signed && signed !== 'application/xml' ? signed : await typeByHead(file, size);
  if (type === null) return null;
  const reader = READERS.find(({ types }) => types.test(type));
  if (!reader) return { type, where: null, texts: {} };
  return { type, where: reader.where, texts: await reader.read(file, size, path) };
}

/** Of what has no signature of its own. */
async function typeByHead(file: FileHandle, size: number): Promise<string | null> {
  const head = await readAt(file, 0, Math.min(size, 4096));
  if (looksLikeSafetensors(head, size)) return 'application/x-safetensors';
  const text = head.toString();
  if (/<svg[\s>]/.test(text) && text.trimStart().startsWith('<')) return 'image/svg+xml';
  return null;
}

async function readSvgTexts(file: FileHandle, size: number): Promise<Texts> {
  if (size > MOST_TEXT_BYTES) throw tooLarge('it');
  const text = (await readAt(file, 0, size)).toString();
  const start = text.indexOf('>', text.indexOf('<metadata')) + 1;
  const metadata = text.slice(start, text.indexOf('</metadata>', start)).trim();
  const data = metadata.startsWith(CDATA) ? metadata.slice(CDATA.length, metadata.indexOf(']]>')) : unescaped(metadata);
  return text.includes('<metadata') ? { metadata: data } : {};
}

const CDATA = '<![CDATA[';

function unescaped(xml: string): string {
  const entities: { [name: string]: string } = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' };
  return xml.replace(/&(quot|apos|lt|gt|amp);/g, (_, name: string) => entities[name] ?? '');
}
