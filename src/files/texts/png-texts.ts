import type { FileHandle } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import { MOST_TEXT_BYTES, readAt, type Texts, textOf, tooLarge, UnreadableTextsError } from './texts.ts';

const SIGNATURE_BYTES = 8;
/** In pieces of 8 KiB, as many writers have them, a picture of 800 MB. */
const MOST_CHUNKS = 100_000;

/**
 * The texts of a PNG or APNG by keyword: its chunks tEXt, zTXt and iTXt, and `comf`, in which ComfyUI writes those of
 * animated ones. sharp does not read the last, and all that it decompresses it also holds. Of a file that is cut off
 * the texts before that are read.
 */
export async function readPngTexts(file: FileHandle, size: number): Promise<Texts> {
  const texts: Texts = {};
  let room = MOST_TEXT_BYTES;
  for (let at = SIGNATURE_BYTES, chunks = 0; at + 12 <= size && chunks < MOST_CHUNKS; chunks++) {
    const head = await readAt(file, at, 8);
    const length = head.readUInt32BE(0);
    const decode = decoders[head.toString('latin1', 4)];
    if (decode) {
      if (length > room) throw tooLarge('its texts');
      const data = await readAt(file, at + 8, length);
      const end = data.indexOf(0);
      if (end >= 0) {
        const text = decode(data.subarray(end + 1), room);
        room -= text.length;
        texts[data.toString('latin1', 0, end)] ??= textOf(text);
      }
    }
    at += length + 12;
  }
  return texts;
}

/** What follows the keyword of a text chunk, to the bytes of its text; at most `room`. */
const decoders: { [type: string]: (data: Buffer, room: number) => Uint8Array } = {
  tEXt: (data) => data,
  comf: (data) => data,
  // The method of compression, of which there is one.
  zTXt: (data, room) => inflate(data.subarray(1), room),
  // A flag, the method, the language, the keyword in that language.
  iTXt(data, room) {
    const language = data.indexOf(0, 2);
    const text = data.subarray(data.indexOf(0, language + 1) + 1);
    return data[0] === 1 ? inflate(text, room) : text;
  },
};

function inflate(data: Buffer, room: number): Uint8Array {
  try {
    return inflateSync(data, { maxOutputLength: room });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge('its texts');
    throw new UnreadableTextsError('a text of it cannot be decompressed', { cause: error });
  }
}
