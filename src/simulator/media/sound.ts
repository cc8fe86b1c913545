import { hashText } from '../pictures/noise.ts';
import type { Packet } from './clip.ts';
import { type EncodedOpus, writeOgg } from './containers.ts';

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

/** Samples a second of Opus, whatever the rate of the sound that it was made of. */
const OPUS_RATE = 48_000;
const OPUS_PACKET_SECONDS = 0.02;

/** Silence as Opus in Ogg. */
export function encodeOpus(sound: Sound, comments: ReadonlyArray<readonly [string, string]>): Promise<Buffer> {
  const { channels, sampleRate } = sound;
  const description = Buffer.alloc(19);
  description.write('OpusHead');
  description[8] = 1;
  description[9] = channels;
  description.writeUInt32LE(sampleRate, 12);
  const packet = { data: Buffer.from([channels === 2 ? 0xfc : 0xf8, 0xff, 0xfe]), key: true };
  const count = Math.max(1, Math.ceil(sound.length / sampleRate / OPUS_PACKET_SECONDS));
  const opus: EncodedOpus = {
    config: { codec: 'opus', sampleRate: OPUS_RATE, numberOfChannels: channels, description },
    packets: Array<Packet>(count).fill(packet),
    packetSeconds: OPUS_PACKET_SECONDS,
  };
  return writeOgg(opus, Object.fromEntries(comments));
}
