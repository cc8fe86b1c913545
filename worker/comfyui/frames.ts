import * as z from 'zod';
import { tryParsePythonJson } from './json.ts';

/** A picture that came while a prompt ran. Which node it is of decides whether it is a preview or a result. */
export interface ImageFrame {
  /** null: the frame does not say. It belongs to the prompt and node of the last message. */
  of: { promptId: string; node: string } | null;
  /** A view of the frame, not a copy. */
  bytes: Buffer;
}

/** First word of a frame. 3 is a text without a prompt, 2 never goes on the wire, custom nodes make up others. */
const PICTURE = 1;
const PICTURE_WITH_METADATA = 4;
const HEADER_BYTES = 8;
/** Some ids; a node's may be long. */
const MOST_METADATA_BYTES = 64 * 1024;

const nodeId = z.union([z.string(), z.number().transform(String)]);
const metadataSchema = z.object({ prompt_id: z.string(), node_id: nodeId, display_node_id: nodeId.nullish() });

/** How many bytes of a frame are parsed: its metadata. */
export function parsedBytes(frame: Buffer): number {
  if (frame.length <= HEADER_BYTES || frame.readUInt32BE(0) !== PICTURE_WITH_METADATA) return 0;
  return frame.readUInt32BE(4);
}

/**
 * A binary frame as a picture; null for all else, and for what does not fit together. The format that the frame
 * names is not read: it calls everything but PNG a JPEG.
 */
export function parseImageFrame(frame: Buffer): ImageFrame | null {
  if (frame.length <= HEADER_BYTES) return null;
  const type = frame.readUInt32BE(0);
  if (type === PICTURE) return { of: null, bytes: frame.subarray(HEADER_BYTES) };
  if (type !== PICTURE_WITH_METADATA) return null;
  const end = HEADER_BYTES + frame.readUInt32BE(4);
  if (end >= frame.length || end > HEADER_BYTES + MOST_METADATA_BYTES) return null;
  const metadata = metadataSchema.safeParse(tryParsePythonJson(frame.toString('utf8', HEADER_BYTES, end)));
  if (!metadata.success) return null;
  const { prompt_id, node_id, display_node_id } = metadata.data;
  return { of: { promptId: prompt_id, node: display_node_id ?? node_id }, bytes: frame.subarray(end) };
}

const SIGNATURES = [
  { type: 'image/jpeg', at: 0, bytes: Buffer.from([0xff, 0xd8, 0xff]) },
  { type: 'image/png', at: 0, bytes: Buffer.from('\x89PNG\r\n\x1a\n', 'latin1') },
  { type: 'image/webp', at: 8, bytes: Buffer.from('WEBP') },
] as const;

/** What a picture is by its first bytes: JPEG, PNG or WebP; null for anything else. */
export function pictureType(picture: Buffer): (typeof SIGNATURES)[number]['type'] | null {
  const fits = ({ at, bytes }: (typeof SIGNATURES)[number]) => bytes.equals(picture.subarray(at, at + bytes.length));
  return SIGNATURES.find(fits)?.type ?? null;
}
