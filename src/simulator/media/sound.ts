import { hashText } from '../pictures/noise.ts';

/** Sound to be encoded: silence, or a sample function (-32768 to 32767). */
export interface Sound {
  sampleRate: number;
  channels: number;
  /** Samples per channel. */
  length: number;
  sample?: (index: number, channel: number) => number;
}

/** A gentle chord that a text decides. */
export function chord(tune: string, sampleRate: number): (index: number, channel: number) => number {
  const hash = hashText(tune);
  const root = 110 * 2 ** ((hash % 24) / 12);
  const third = root * (hash & 256 ? 1.26 : 1.189);
  const turn = (2 * Math.PI) / sampleRate;
  return (index, channel) => {
    const beat = 0.75 + 0.25 * Math.sin(index * turn * (0.5 + channel * 0.1));
    const wave = Math.sin(index * turn * root) + Math.sin(index * turn * third) + Math.sin(index * turn * root * 1.5);
    return Math.round(wave * beat * 5000);
  };
}

/** Silence as MP3: 128 kbit/s frames without any coefficients. */
export function encodeMp3(sound: Sound): Buffer {
  const rates = [44_100, 48_000, 32_000];
  const rate = Math.max(0, rates.indexOf(sound.sampleRate));
  const frames = Math.max(1, Math.ceil(sound.length / 1152));
  const size = Math.floor((144 * 128_000) / (rates[rate] ?? 44_100));
  const out = Buffer.alloc(frames * size);
  for (let i = 0; i < frames; i++) out.writeUInt32BE(0xfffb9000 + rate * 1024, i * size);
  return out;
}

/** Silence as Ogg Opus: packets of 20 ms. */
export function encodeOpus(sound: Sound, comments: ReadonlyArray<readonly [string, string]>): Buffer {
  const head = Buffer.alloc(19);
  head.write('OpusHead');
  head[8] = 1;
  head[9] = sound.channels;
  head.writeUInt32LE(sound.sampleRate, 12);
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const count = Buffer.alloc(4);
  count.writeUInt32LE(comments.length);
  const tags = Buffer.concat([
    Buffer.from('OpusTags'),
    text('simulated ComfyUI'),
    count,
    ...comments.map(([key, value]) => text(`${key}=${value}`)),
  ]);
  const pages = [oggPage([head], 0, 0, 2), oggPage([tags.subarray(0, 60_000)], 0, 1, 0)];
  const packet = Buffer.from([sound.channels === 2 ? 0xfc : 0xf8, 0xff, 0xfe]);
  const packets = Math.max(1, Math.ceil(sound.length / sound.sampleRate / 0.02));
  for (let done = 0; done < packets; done += 50) {
    const here = Math.min(50, packets - done);
    const last = done + here >= packets;
    const page = Array.from({ length: here }, () => packet);
    pages.push(oggPage(page, (done + here) * 960, pages.length, last ? 4 : 0));
  }
  return Buffer.concat(pages);
}

/** @param granule samples at 48 kHz up to the end of the page. @param flags 2 first, 4 last. */
function oggPage(packets: Buffer[], granule: number, sequence: number, flags: number): Buffer {
  const lacing = packets.flatMap(({ length }) => [...Array<number>(Math.floor(length / 255)).fill(255), length % 255]);
  const head = Buffer.alloc(27);
  head.write('OggS');
  head[5] = flags;
  head.writeBigUInt64LE(BigInt(granule), 6);
  head.writeUInt32LE(0xc0ffee, 14);
  head.writeUInt32LE(sequence, 18);
  head[26] = lacing.length;
  const page = Buffer.concat([head, Buffer.from(lacing), ...packets]);
  let crc = 0;
  for (const byte of page) {
    crc = (crc ^ (byte << 24)) >>> 0;
    for (let i = 0; i < 8; i++) crc = (crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1) >>> 0;
  }
  page.writeUInt32LE(crc, 22);
  return page;
}
