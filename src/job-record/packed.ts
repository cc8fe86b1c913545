import { promisify } from 'node:util';
import { deflateRaw, inflateRawSync } from 'node:zlib';

const deflate = promisify(deflateRaw);

/** Longer than any request whose parameters may be packed: MAX_BODY_BYTES is 64 MiB at most. */
const MOST_BYTES = 128 * 1024 * 1024;

/** A text as it is kept where nobody is likely to read it again: a graph takes a tenth of its room. */
export async function pack(text: string): Promise<string> {
  return (await deflate(text)).toString('base64');
}

/** The opposite of `pack`. Throws on what it did not make. */
export function unpack(packed: string): string {
  return inflateRawSync(Buffer.from(packed, 'base64'), { maxOutputLength: MOST_BYTES }).toString();
}
