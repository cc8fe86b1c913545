import { eachRow, type Frame } from '../pictures/frame.ts';

const reversed = Uint8Array.from({ length: 256 }, (_, value) => {
  let out = 0;
  for (let bit = 0; bit < 8; bit++) if (value & (1 << bit)) out |= 128 >> bit;
  return out;
});

/** Writes bits, the lowest first. */
function createLowBitWriter(capacity: number) {
  let bytes = new Uint8Array(capacity);
  let at = 0;
  let held = 0;
  let count = 0;
  return {
    write(value: number, bits: number): void {
      held |= value << count;
      count += bits;
      while (count >= 8) {
        if (at === bytes.length) {
          const larger = new Uint8Array(bytes.length * 2);
          larger.set(bytes);
          bytes = larger;
        }
        bytes[at++] = held & 255;
        held >>>= 8;
        count -= 8;
      }
    },
    done(): Buffer {
      this.write(0, (8 - (count % 8)) % 8);
      return Buffer.from(bytes.subarray(0, at));
    },
  };
}

type LowBitWriter = ReturnType<typeof createLowBitWriter>;

/** A prefix code in which all 256 bytes have 8 bits; `symbols` beyond them have none. */
function writeFlatCode(bits: LowBitWriter, symbols: number): void {
  bits.write(0, 1);
  bits.write(12 - 4, 4); // lengths of 12 code-length symbols follow, in the format's own order
  for (const symbol of [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8]) bits.write(symbol === 0 || symbol === 8 ? 1 : 0, 3);
  bits.write(0, 1);
  for (let symbol = 0; symbol < symbols; symbol++) bits.write(symbol < 256 ? 1 : 0, 1);
}

/** A prefix code of one symbol: it takes no bits. */
function writeSingleCode(bits: LowBitWriter, symbol: number): void {
  bits.write(1, 1);
  bits.write(0, 1);
  bits.write(1, 1);
  bits.write(symbol, 8);
}

/** The lossless bitstream (VP8L) of a frame, without any compression: simple, and readable by everything. */
async function losslessData(frame: Frame): Promise<Buffer> {
  const { width, height, channels } = frame;
  const pixels = await frame.pixels();
  const bits = createLowBitWriter(width * height * (channels === 4 ? 4 : 3) + 512);
  bits.write(0x2f, 8);
  bits.write(width - 1, 14);
  bits.write(height - 1, 14);
  bits.write(channels === 4 ? 1 : 0, 1);
  bits.write(0, 3); // version
  bits.write(0, 3); // no transform, no colour cache, one set of codes
  writeFlatCode(bits, 256 + 24);
  writeFlatCode(bits, 256);
  writeFlatCode(bits, 256);
  if (channels === 4) writeFlatCode(bits, 256);
  else writeSingleCode(bits, 255);
  writeSingleCode(bits, 0);
  await eachRow(height, (y) => {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * channels;
      const grey = channels === 1 ? 0 : 1;
      bits.write(reversed[pixels[at + grey] ?? 0] ?? 0, 8);
      bits.write(reversed[pixels[at] ?? 0] ?? 0, 8);
      bits.write(reversed[pixels[at + grey * 2] ?? 0] ?? 0, 8);
      if (channels === 4) bits.write(reversed[pixels[at + 3] ?? 0] ?? 0, 8);
    }
  });
  return bits.done();
}

function chunk(type: string, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from(type), size, body, Buffer.alloc(body.length % 2)]);
}

function u24(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 3);
  for (const [i, value] of values.entries()) out.writeUIntLE(value, i * 3, 3);
  return out;
}

/** One frame as WebP. */
export async function encodeWebp(frame: Frame): Promise<Buffer> {
  return chunk('RIFF', Buffer.from('WEBP'), chunk('VP8L', await losslessData(frame)));
}

/** Frames of one size as an animated WebP that runs for ever. @param delayMs how long each is shown. */
export async function encodeAnimatedWebp(frames: readonly Frame[], delayMs: number): Promise<Buffer> {
  const [first] = frames;
  if (!first) throw new RangeError('an animation needs at least one frame');
  const size = u24(first.width - 1, first.height - 1);
  const parts: Buffer[] = [chunk('VP8X', Buffer.from([2, 0, 0, 0]), size), chunk('ANIM', Buffer.alloc(6))];
  for (const frame of frames) {
    const head = Buffer.concat([u24(0, 0), size, u24(Math.round(delayMs)), Buffer.from([2])]);
    parts.push(chunk('ANMF', head, chunk('VP8L', await losslessData(frame))));
  }
  return chunk('RIFF', Buffer.from('WEBP'), ...parts);
}
