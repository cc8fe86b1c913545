import { createRequire } from 'node:module';
import type { BufferTarget, EncodedPacket, Output, OutputFormat } from 'mediabunny';
import { yieldToEventLoop } from '../pictures/frame.ts';
import type { EncodedClip, Packet } from './clip.ts';

export type ClipContainer = 'mp4' | 'mkv' | 'webm';

/** Opus in packets of one length, and how a decoder is set up, as WebCodecs describes it. */
export interface EncodedOpus {
  config: { codec: 'opus'; sampleRate: number; numberOfChannels: number; description: Uint8Array };
  packets: Packet[];
  packetSeconds: number;
}

/** Mediabunny is loaded with the first file, and as one module, which is faster than its two hundred. */
function loadMediabunny(): typeof import('mediabunny') {
  return createRequire(import.meta.url)('mediabunny');
}

/** A clip as a file. WebM takes VP8, MP4 takes H.264, and Matroska takes both. */
export async function writeClip(clip: EncodedClip, container: ClipContainer): Promise<Buffer> {
  const mediabunny = loadMediabunny();
  const { BufferTarget, EncodedVideoPacketSource, MkvOutputFormat, Mp4OutputFormat, WebMOutputFormat } = mediabunny;
  const Format = { mp4: Mp4OutputFormat, mkv: MkvOutputFormat, webm: WebMOutputFormat }[container];
  const output = new mediabunny.Output({ format: new Format(), target: new BufferTarget() });
  const source = new EncodedVideoPacketSource(clip.codec);
  output.addVideoTrack(source, { frameRate: clip.fps });
  const meta = { decoderConfig: clip.config };
  return write(output, clip.packets, 1 / clip.fps, (packet) => source.add(packet, meta));
}

/** Opus in an Ogg file. */
export async function writeOgg(sound: EncodedOpus, comments: Readonly<Record<string, string>>): Promise<Buffer> {
  const { BufferTarget, EncodedAudioPacketSource, OggOutputFormat, Output } = loadMediabunny();
  const output = new Output({ format: new OggOutputFormat(), target: new BufferTarget() });
  const source = new EncodedAudioPacketSource('opus');
  output.addAudioTrack(source);
  output.setMetadataTags({ raw: comments });
  const meta = { decoderConfig: sound.config };
  return write(output, sound.packets, sound.packetSeconds, (packet) => source.add(packet, meta));
}

/** @param add gives a packet to the output's one track. */
async function write(
  output: Output<OutputFormat, BufferTarget>,
  packets: readonly Packet[],
  packetSeconds: number,
  add: (packet: EncodedPacket) => Promise<void>,
): Promise<Buffer> {
  const { EncodedPacket } = loadMediabunny();
  await output.start();
  for (const [index, { data, key }] of packets.entries()) {
    await add(new EncodedPacket(data, key ? 'key' : 'delta', index * packetSeconds, packetSeconds));
    if (index % 100 === 99) await yieldToEventLoop();
  }
  await output.finalize();
  if (output.target.buffer === null) throw new Error('a finished file has no bytes');
  return Buffer.from(output.target.buffer);
}
