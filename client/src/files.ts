import type { Artifact } from './job.ts';

/** A file of the caller's: in browsers that of an `<input>`; in Node a Buffer, a stream, or `openAsBlob(path)`. */
export type LocalFile = Blob | ArrayBuffer | Uint8Array<ArrayBufferLike> | ReadableStream | AsyncIterable<Uint8Array>;

/** What a parameter of the type FILE takes: a file, a result, or what `FileInput` of the schema takes. */
export type FileInput = LocalFile | Artifact | { upload: string } | { artifact: string } | { url: string };

/** What the workflow `custom` takes: a graph of your own; see `CustomWorkflowInput` of the schema. */
export interface CustomInput {
  /** In ComfyUI's API format, or as its editor saves it. */
  graph: object;
  editorWorkflow?: object;
  /** Of the nodes that take one, such as LoadImage: into which of their inputs each goes. */
  files?: { node: string; input: string; file: FileInput; kind?: 'AUDIO' | 'IMAGE' | 'MASK' | 'VIDEO' }[];
  /** Ids of the nodes whose results are wanted; absent: the final results of all. */
  outputs?: string[];
  keepMetadata?: boolean;
  name?: string;
}

export type Path = (string | number)[];

function isLocalFile(value: object): value is LocalFile {
  // By their tags, since a page may have files of another frame's classes.
  const tag = Object.prototype.toString.call(value);
  return (
    /^\[object (?:File|Blob|ArrayBuffer|ReadableStream)\]$/.test(tag) ||
    ArrayBuffer.isView(value) ||
    Symbol.asyncIterator in value
  );
}

/** A copy of an input in which results are named by their ids, and files are what `put` makes of them. */
export async function mapFiles(
  value: unknown,
  put: (file: LocalFile, path: Path) => Promise<unknown>,
  path: Path = [],
): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value;
  if (isLocalFile(value)) return put(value, path);
  if (Array.isArray(value)) return Promise.all(value.map((item, i) => mapFiles(item, put, [...path, i])));
  if ('__typename' in value && /Artifact$/.test(String(value.__typename)) && 'id' in value)
    return { artifact: value.id };
  if ('toJSON' in value) return value;
  const fields = Object.entries(value).map(async ([key, field]) => [key, await mapFiles(field, put, [...path, key])]);
  return Object.fromEntries(await Promise.all(fields));
}

/** A stream is read to its end, since the size of a file is announced before it is sent. */
export async function blobOf(file: LocalFile): Promise<Blob> {
  if ('size' in file && 'slice' in file) return file;
  // Not `blob()`, which in Bun is of the type text/plain.
  if ('getReader' in file) return new Blob([await new Response(file).arrayBuffer()]);
  if (!(Symbol.asyncIterator in file)) return new Blob([file as BlobPart]);
  const parts: BlobPart[] = [];
  for await (const part of file) parts.push(part as BlobPart);
  return new Blob(parts);
}

/** Media types by how files of them begin, from byte `at`. */
const BEGINNINGS: [type: string, text: string, at?: number][] = [
  ['image/png', '\x89PNG'],
  ['image/jpeg', '\xff\xd8\xff'],
  ['image/gif', 'GIF8'],
  ['image/webp', 'WEBP', 8],
  ['audio/wav', 'WAVE', 8],
  ['image/bmp', 'BM'],
  ['image/tiff', 'II*\0'],
  ['image/tiff', 'MM\0*'],
  ['image/avif', 'ftypavif', 4],
  ['audio/mp4', 'ftypM4A', 4],
  ['video/mp4', 'ftyp', 4],
  ['video/webm', '\x1aE\xdf\xa3'],
  ['audio/flac', 'fLaC'],
  ['audio/ogg', 'OggS'],
  ['audio/mpeg', 'ID3'],
  ['audio/mpeg', '\xff\xfb'],
];

/** The media type that a file says it has, or else that of how it begins. */
export async function mediaTypeOf(file: Blob): Promise<string> {
  if (file.type) return file.type;
  const beginning = String.fromCharCode(...new Uint8Array(await file.slice(0, 16).arrayBuffer()));
  const known = BEGINNINGS.find(([, text, at = 0]) => beginning.startsWith(text, at));
  return known?.[0] ?? 'application/octet-stream';
}
