import type { EncodedClip } from './h264.ts';

/** Ticks of a second in the MP4. Any frame rate is near enough a whole number of them. */
const timescale = 90_000;

function u32(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) out.writeUInt32BE(value, i * 4);
  return out;
}

function u16(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) out.writeUInt16BE(value, i * 2);
  return out;
}

function box(type: string, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), Buffer.from(type), body]);
}

/** A unit with its length before it, as both containers store them. */
function sized(unit: Buffer): Buffer {
  return Buffer.concat([u32(unit.length), unit]);
}

/** How a decoder is set up (avcC). */
function decoderRecord({ sequence, picture }: EncodedClip): Buffer {
  const head = Buffer.from([1, sequence[1] ?? 66, sequence[2] ?? 0, sequence[3] ?? 51, 0xff, 0xe1]);
  return Buffer.concat([head, u16(sequence.length), sequence, Buffer.from([1]), u16(picture.length), picture]);
}

const unity = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/** A clip as MP4. */
export function toMp4(clip: EncodedClip): Buffer {
  const { width, height, frames } = clip;
  const ticks = Math.round(timescale / clip.fps);
  const duration = ticks * frames.length;
  const data = frames.map((frame) => sized(frame.data));
  const visual = Buffer.concat([
    u32(0),
    u16(0, 1, 0, 0),
    Buffer.alloc(12),
    u16(width, height),
    u32(0x480000, 0x480000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(24, 0xffff),
  ]);
  const keys = frames.flatMap((frame, index) => (frame.key ? [index + 1] : []));
  const tables = (offset: number): Buffer =>
    box(
      'stbl',
      box('stsd', u32(0, 1), box('avc1', visual, box('avcC', decoderRecord(clip)))),
      box('stts', u32(0, 1, frames.length, ticks)),
      box('stss', u32(0, keys.length, ...keys)),
      box('stsc', u32(0, 1, 1, frames.length, 1)),
      box('stsz', u32(0, 0, frames.length), ...data.map((frame) => u32(frame.length))),
      box('stco', u32(0, 1, offset)),
    );
  const movie = (offset: number): Buffer =>
    box(
      'moov',
      box('mvhd', u32(0, 0, 0, timescale, duration, 0x10000, 0x1000000, 0, 0), unity, Buffer.alloc(24), u32(2)),
      box(
        'trak',
        box('tkhd', u32(3, 0, 0, 1, 0, duration, 0, 0, 0, 0), unity, u32(width * 65_536, height * 65_536)),
        box(
          'mdia',
          box('mdhd', u32(0, 0, 0, timescale, duration), u16(0x55c4, 0)),
          box('hdlr', u32(0, 0), Buffer.from('vide'), Buffer.alloc(12), Buffer.from('video\0')),
          box(
            'minf',
            box('vmhd', u32(1, 0, 0)),
            box('dinf', box('dref', u32(0, 1), box('url ', u32(1)))),
            tables(offset),
          ),
        ),
      ),
    );
  const type = box('ftyp', Buffer.from('isom'), u32(512), Buffer.from('isomiso2avc1mp41'));
  const start = type.length + movie(0).length + 8;
  return Buffer.concat([type, movie(start), box('mdat', ...data)]);
}

/** An EBML element. Ids are written as they are known, sizes in four bytes. */
function element(id: string, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(id, 'hex'), u32(0x10000000 + body.length), body]);
}

function float(value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeDoubleBE(value);
  return out;
}

/** A clip as Matroska; WebM is the same with its own name on it. */
export function toMatroska(clip: EncodedClip, kind: 'matroska' | 'webm'): Buffer {
  const durationMs = (clip.frames.length / clip.fps) * 1000;
  const text = (value: string): Buffer => Buffer.from(value);
  const head = element(
    '1a45dfa3',
    element('4286', u32(1)),
    element('42f7', u32(1)),
    element('42f2', u32(4)),
    element('42f3', u32(8)),
    element('4282', text(kind)),
    element('4287', u32(4)),
    element('4285', u32(2)),
  );
  const track = element(
    'ae',
    element('d7', u32(1)),
    element('73c5', u32(1)),
    element('83', u32(1)),
    element('86', text('V_MPEG4/ISO/AVC')),
    element('63a2', decoderRecord(clip)),
    element('e0', element('b0', u32(clip.width)), element('ba', u32(clip.height))),
  );
  const info = element(
    '1549a966',
    element('2ad7b1', u32(1_000_000)),
    element('4489', float(durationMs)),
    element('4d80', text('simulator')),
    element('5741', text('simulator')),
  );
  const clusters: Buffer[] = [];
  for (let start = 0; start < clip.frames.length; ) {
    const startMs = Math.round((start * 1000) / clip.fps);
    const blocks: Buffer[] = [];
    let index = start;
    for (; index < clip.frames.length; index++) {
      const offset = Math.round((index * 1000) / clip.fps) - startMs;
      if (offset > 30_000) break; // block times are 16 bits
      const frame = clip.frames[index];
      if (!frame) break;
      const lead = Buffer.from([0x81, offset >> 8, offset & 255, frame.key ? 0x80 : 0]);
      blocks.push(element('a3', lead, sized(frame.data)));
    }
    clusters.push(element('1f43b675', element('e7', u32(startMs)), ...blocks));
    start = index;
  }
  return Buffer.concat([head, element('18538067', info, element('1654ae6b', track), ...clusters)]);
}
