import type { ArtifactKind } from './job.ts';

/** Text that is worth showing as text. What a browser could run as a document (HTML, SVG, XML) is a plain file. */
const TEXT_TYPES = new Set(['text/plain', 'text/markdown', 'text/csv', 'text/vtt', 'application/json']);

/** Text that may be read as a whole, and shown. A longer one is a file. */
export const MAX_TEXT_BYTES = 1024 * 1024;

/** The kind that a content type (without parameters) belongs to. */
export function artifactKindOf(contentType: string): ArtifactKind {
  if (contentType === 'image/svg+xml') return 'file';
  if (contentType.startsWith('image/')) return 'image';
  if (contentType.startsWith('video/')) return 'video';
  if (contentType.startsWith('audio/')) return 'audio';
  return TEXT_TYPES.has(contentType) ? 'text' : 'file';
}
