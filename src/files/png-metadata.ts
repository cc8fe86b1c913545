import { Transform } from 'node:stream';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** The chunks of a PNG that hold metadata: text, camera data, and ComfyUI's own chunk in animated ones. */
const DROPPED = new Set(['tEXt', 'zTXt', 'iTXt', 'eXIf', 'comf']);

const CRC_BYTES = 4;

/**
 * Removes the metadata from a PNG or APNG stream, since ComfyUI writes the whole workflow there. All other chunks, and
 * files that are not PNG, pass unchanged. A file that is cut off or broken stays so.
 */
export function withoutPngMetadata(): Transform {
  const filter = createFilter();
  return new Transform({
    transform(data: Uint8Array, _encoding, done) {
      for (const part of filter.keep(Buffer.from(data.buffer, data.byteOffset, data.byteLength))) this.push(part);
      done();
    },
    flush(done) {
      done(null, filter.rest());
    },
  });
}

/** The same of a file in memory. */
export function stripPngMetadata(bytes: Buffer): Buffer {
  const filter = createFilter();
  const kept = filter.keep(bytes);
  return Buffer.concat([...kept, filter.rest()]);
}

function createFilter() {
  /** The bytes so far of the next eight that are needed together: the signature, or a chunk's length and type. */
  let held = Buffer.alloc(0);
  let state: 'signature' | 'header' | 'chunk' | 'rest' = 'signature';
  let left = 0;
  let dropping = false;

  /** Takes bytes from the chunk until eight are held, and returns how many it took. */
  function hold(chunk: Buffer): number {
    const taken = chunk.subarray(0, 8 - held.length);
    held = Buffer.concat([held, taken]);
    return taken.length;
  }

  return {
    /** What is kept of the next bytes. */
    *keep(bytes: Buffer): Generator<Buffer> {
      let chunk = bytes;
      while (chunk.length > 0) {
        if (state === 'rest') return yield chunk;
        if (state === 'chunk') {
          const part = chunk.subarray(0, left);
          if (!dropping) yield part;
          left -= part.length;
          chunk = chunk.subarray(part.length);
          if (left === 0) state = 'header';
          continue;
        }
        chunk = chunk.subarray(hold(chunk));
        if (held.length < 8) return;
        if (state === 'signature') {
          state = held.equals(SIGNATURE) ? 'header' : 'rest';
          yield held;
        } else {
          const type = held.toString('latin1', 4);
          dropping = DROPPED.has(type);
          if (!dropping) yield held;
          // Bytes after IEND are not chunks.
          state = type === 'IEND' ? 'rest' : 'chunk';
          left = held.readUInt32BE(0) + CRC_BYTES;
        }
        held = Buffer.alloc(0);
      }
    },
    /** What is left when there are no more. */
    rest: () => held,
  };
}
