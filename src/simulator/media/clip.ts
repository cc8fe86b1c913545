import { asRgb, type ImageValue, resize } from '../pictures/frame.ts';

/** A picture of a clip, encoded. A key picture is decoded without those before it. */
export interface Packet {
  data: Uint8Array;
  key: boolean;
}

/** What encodes the pictures of a clip. Its sides are even. */
export interface ClipEncoder {
  codec: 'avc' | 'vp8';
  /** How a decoder is set up, as WebCodecs describes it. */
  config: { codec: string; codedWidth: number; codedHeight: number; description?: Uint8Array };
  encode(rgb: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** The same picture again. @param sinceKey pictures since the last key picture, this one included. */
  repeat(key: Uint8Array, sinceKey: number): Packet;
}

export interface EncodedClip extends Pick<ClipEncoder, 'codec' | 'config'> {
  fps: number;
  packets: Packet[];
}

/** Node has no video encoder and those here compress little, so a clip has few pictures that differ. */
const MAX_KEY_PICTURES = 4;

/** Encodes a batch of images as a clip that any player shows. */
export async function encodeClip(
  images: ImageValue,
  fps: number,
  createEncoder: (width: number, height: number) => ClipEncoder,
): Promise<EncodedClip> {
  const width = images.width + (images.width % 2);
  const height = images.height + (images.height % 2);
  const encoder = createEncoder(width, height);
  const interval = Math.max(1, Math.ceil(images.batch / MAX_KEY_PICTURES));
  const packets: Packet[] = [];
  let last: { rgb: Uint8Array; data: Uint8Array; index: number } | undefined;
  for (let index = 0; index < images.batch; index++) {
    const rgb = index % interval === 0 ? await resize(asRgb(images.frame(index)), width, height).pixels() : undefined;
    if (last && (!rgb || Buffer.compare(rgb, last.rgb) === 0)) {
      packets.push(encoder.repeat(last.data, index - last.index));
    } else if (rgb) {
      last = { rgb, data: await encoder.encode(rgb), index };
      packets.push({ data: last.data, key: true });
    }
  }
  return { codec: encoder.codec, config: encoder.config, fps, packets };
}
