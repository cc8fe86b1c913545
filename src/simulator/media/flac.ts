import { yieldToEventLoop } from '../pictures/frame.ts';
import { createBitWriter } from './bits.ts';
import type { Sound } from './sound.ts';

const blockSize = 4096;

/**
 * Sound as FLAC, 16 bits. Silence takes a few bytes a block; a tone is stored as it is. Node has no audio encoder, and
 * mediabunny takes the blocks and the stream's header encoded, which leaves it little to do here.
 */
export async function encodeFlac(sound: Sound, comments: ReadonlyArray<readonly [string, string]>): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for (let start = 0; start < sound.length; start += blockSize) {
    blocks.push(block(sound, start, Math.min(blockSize, sound.length - start), start / blockSize));
    if (blocks.length % 32 === 0) await yieldToEventLoop();
  }
  return Buffer.concat([Buffer.from('fLaC'), streamInfo(sound), commentBlock(comments), ...blocks]);
}

function metadataBlock(type: number, last: boolean, data: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length, 0);
  head[0] = type | (last ? 0x80 : 0);
  return Buffer.concat([head, data]);
}

function streamInfo(sound: Sound): Buffer {
  const bits = createBitWriter();
  bits.bits(blockSize, 16);
  bits.bits(blockSize, 16);
  bits.bits(0, 48); // frame sizes unknown
  bits.bits(sound.sampleRate, 20);
  bits.bits(sound.channels - 1, 3);
  bits.bits(15, 5);
  bits.bits(sound.length, 36);
  bits.bytes(new Uint8Array(16)); // no checksum
  return metadataBlock(0, false, bits.done());
}

function commentBlock(comments: ReadonlyArray<readonly [string, string]>): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const count = Buffer.alloc(4);
  count.writeUInt32LE(comments.length);
  const lines = comments.map(([key, value]) => text(`${key}=${value}`));
  return metadataBlock(4, true, Buffer.concat([text('simulated ComfyUI'), count, ...lines]));
}

function block(sound: Sound, start: number, length: number, number: number): Buffer {
  const bits = createBitWriter();
  bits.bits(0xfff8, 16);
  bits.bits(7, 4); // the length follows, in 16 bits
  bits.bits(0, 4); // the rate is that of the stream
  bits.bits(sound.channels - 1, 4);
  bits.bits(4, 3); // 16 bits a sample
  bits.bits(0, 1);
  bits.bytes(Buffer.from(String.fromCodePoint(number), 'utf8'));
  bits.bits(length - 1, 16);
  const head = bits.done();
  const body = createBitWriter();
  body.bytes(Buffer.concat([head, Buffer.from([crc(head, 8, 0x07)])]));
  for (let channel = 0; channel < sound.channels; channel++) {
    if (!sound.sample) {
      body.bits(0, 8); // a constant: zero
      body.bits(0, 16);
    } else {
      body.bits(2, 8); // samples as they are
      const samples = Buffer.alloc(length * 2);
      for (let i = 0; i < length; i++) samples.writeInt16BE(sound.sample(start + i, channel), i * 2);
      body.bytes(samples);
    }
  }
  const frame = body.done();
  const check = Buffer.alloc(2);
  check.writeUInt16BE(crc(frame, 16, 0x8005));
  return Buffer.concat([frame, check]);
}

function crc(bytes: Buffer, width: 8 | 16, polynomial: number): number {
  const top = 1 << (width - 1);
  const mask = (1 << width) - 1;
  let value = 0;
  for (const byte of bytes) {
    value ^= byte << (width - 8);
    for (let i = 0; i < 8; i++) value = (value & top ? (value << 1) ^ polynomial : value << 1) & mask;
  }
  return value;
}
