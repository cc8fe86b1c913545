import { createHash } from 'node:crypto';
import * as z from 'zod';

/** The documents that an operator lists, see docs/persisted-documents.md. They may be others at the next call. */
export interface ListedDocuments {
  /** `id`: SHA-256 in hex, or a name of the operator's own. */
  get(id: string): string | undefined;
  hasText(text: string): boolean;
}

/** Of all files: several times what the largest front ends have. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_DOCUMENTS = 20_000;

const HASH = /^(?:sha256:)?([0-9a-f]{64})$/;

/** What `persistedDocuments` of GraphQL Code Generator writes: id -> document. */
const byId = z.record(z.string().min(1).max(200), z.string());
/** What `generate-persisted-query-manifest` of Apollo writes. */
const manifest = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  operations: z.array(z.object({ id: z.string().min(1).max(200), body: z.string() })),
});

/**
 * Reads files that list documents. Throws, naming the file, where one is neither form, an id that is a SHA-256 is not
 * that of its document, or an id stands for two documents.
 */
export function readListedDocuments(files: readonly { name: string; text: string }[]): ListedDocuments {
  const size = files.reduce((total, { text }) => total + text.length, 0);
  if (size > MAX_BYTES) throw new Error(`expected at most ${MAX_BYTES} bytes in all files, got ${size}`);
  const documents = new Map<string, string>();
  for (const { name, text } of files) {
    for (const [id, document] of entriesOf(name, text)) {
      const [, hash] = HASH.exec(id) ?? [];
      if (hash !== undefined && createHash('sha256').update(document).digest('hex') !== hash) {
        throw new Error(`${name}: ${id} is not the SHA-256 of its document: write the file anew`);
      }
      const key = hash ?? id;
      if ((documents.get(key) ?? document) !== document) throw new Error(`${name}: ${id} stands for two documents`);
      documents.set(key, document);
    }
  }
  if (documents.size > MAX_DOCUMENTS) {
    throw new Error(`expected at most ${MAX_DOCUMENTS} documents, got ${documents.size}`);
  }
  const texts = new Set(documents.values());
  return { get: (id) => documents.get(id), hasText: (text) => texts.has(text) };
}

/** Those of both lists. */
export function listedByEither(one: ListedDocuments, other: ListedDocuments): ListedDocuments {
  return {
    get: (id) => one.get(id) ?? other.get(id),
    hasText: (text) => one.hasText(text) || other.hasText(text),
  };
}

function entriesOf(name: string, text: string): (readonly [string, string])[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error(`${name}: expected JSON`);
  }
  const apollo = manifest.safeParse(json);
  if (apollo.success) return apollo.data.operations.map(({ id, body }) => [id, body] as const);
  const plain = byId.safeParse(json);
  if (plain.success) return Object.entries(plain.data);
  throw new Error(`${name}: expected {"<hash>": "<document>"} or Apollo's manifest of persisted queries`);
}
