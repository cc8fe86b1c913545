import { createBitWriter } from './bits.ts';
import type { ClipEncoder } from './clip.ts';

/**
 * H.264 without compression: key pictures are stored as plain samples (I_PCM), and the others repeat the one before. It
 * is written here since Node has no video encoder, and mediabunny, which writes the files, takes encoded packets only.
 */
export function createH264Encoder(width: number, height: number): ClipEncoder {
  const across = Math.ceil(width / 16);
  const down = Math.ceil(height / 16);
  const description = decoderRecord(sequenceSet(width, height, across, down), pictureSet());
  return {
    codec: 'avc',
    config: { codec: 'avc1.42c033', codedWidth: width, codedHeight: height, description },
    encode: (rgb) => sized(keyFrame(rgb, width, height, across, down)),
    repeat: (_key, sinceKey) => ({ data: sized(stillFrame(across * down, sinceKey)), key: false }),
  };
}

/** A unit with its length before it, as both MP4 and Matroska store it. */
function sized(unit: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(unit.length);
  return Buffer.concat([length, unit]);
}

/** How a decoder is set up (avcC): profile and level, lengths of four bytes, and one parameter set of each kind. */
function decoderRecord(sequence: Buffer, picture: Buffer): Buffer {
  const setOf = (set: Buffer): Buffer => Buffer.concat([Buffer.from([set.length >> 8, set.length & 255]), set]);
  const head = Buffer.from([1, ...sequence.subarray(1, 4), 0xff, 0xe1]);
  return Buffer.concat([head, setOf(sequence), Buffer.from([1]), setOf(picture)]);
}

/** A payload with its type, and with emulation prevention: no three bytes may look like a start code. */
function unit(type: number, payload: Buffer): Buffer {
  const out = Buffer.allocUnsafe(Math.ceil(payload.length * 1.5) + 1);
  out[0] = type;
  let at = 1;
  let zeros = 0;
  for (const byte of payload) {
    if (zeros >= 2 && byte <= 3) {
      out[at++] = 3;
      zeros = 0;
    }
    out[at++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Buffer.from(out.subarray(0, at));
}

function sequenceSet(width: number, height: number, across: number, down: number): Buffer {
  const bits = createBitWriter();
  for (const byte of [66, 0xc0, 51]) bits.bits(byte, 8); // baseline, level 5.1
  for (const value of [0, 0, 2, 1]) bits.unsigned(value); // id, frame number bits, order type, reference frames
  bits.bits(0, 1);
  bits.unsigned(across - 1);
  bits.unsigned(down - 1);
  bits.bits(3, 2); // frames only, direct 8x8
  const right = (across * 16 - width) / 2;
  const bottom = (down * 16 - height) / 2;
  bits.bits(right + bottom > 0 ? 1 : 0, 1);
  if (right + bottom > 0) for (const value of [0, right, 0, bottom]) bits.unsigned(value);
  bits.bits(0, 1);
  return unit(0x67, bits.closed());
}

function pictureSet(): Buffer {
  const bits = createBitWriter();
  for (const value of [0, 0]) bits.unsigned(value);
  bits.bits(0, 2);
  for (const value of [0, 0, 0]) bits.unsigned(value);
  bits.bits(0, 3);
  for (const value of [0, 0, 0]) bits.unsigned(value); // qp, qs, chroma offset: 0, signed or not
  bits.bits(4, 3); // deblocking control present
  return unit(0x68, bits.closed());
}

function keyFrame(rgb: Uint8Array, width: number, height: number, across: number, down: number): Buffer {
  const bits = createBitWriter();
  for (const value of [0, 7, 0]) bits.unsigned(value); // first block, intra slice, picture set
  bits.bits(0, 4);
  bits.unsigned(0);
  bits.bits(0, 2);
  bits.unsigned(0); // qp delta
  bits.unsigned(1); // no deblocking
  const block = new Uint8Array(384);
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      bits.unsigned(25); // samples as they are
      fillBlock(block, rgb, width, height, x * 16, y * 16);
      bits.bytes(block);
    }
  }
  return unit(0x65, bits.closed());
}

/** 256 luma samples, then 64 of each chroma, in the narrow range of BT.601. */
function fillBlock(block: Uint8Array, rgb: Uint8Array, width: number, height: number, left: number, top: number): void {
  for (let y = 0; y < 16; y++) {
    for (let x = 0; x < 16; x++) {
      const at = (Math.min(height - 1, top + y) * width + Math.min(width - 1, left + x)) * 3;
      const r = rgb[at] ?? 0;
      const g = rgb[at + 1] ?? 0;
      const b = rgb[at + 2] ?? 0;
      block[y * 16 + x] = 16 + (65.738 * r + 129.057 * g + 25.064 * b) / 256;
      if ((x | y) & 1) continue;
      const chroma = (y >> 1) * 8 + (x >> 1);
      block[256 + chroma] = 128 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256;
      block[320 + chroma] = 128 + (112.439 * r - 94.154 * g - 18.285 * b) / 256;
    }
  }
}

/** A frame that repeats the one before: every block is skipped. */
function stillFrame(blocks: number, sinceKey: number): Buffer {
  const bits = createBitWriter();
  for (const value of [0, 5, 0]) bits.unsigned(value);
  bits.bits(sinceKey % 16, 4);
  bits.bits(0, 3); // as many references, in order, no marking
  bits.unsigned(0);
  bits.unsigned(1);
  bits.unsigned(blocks);
  return unit(0x61, bits.closed());
}
