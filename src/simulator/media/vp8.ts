import { pixelFrame } from '../pictures/frame.ts';
import type { ClipEncoder } from './clip.ts';
import { encodeLossy } from './picture-files.ts';

const QUALITY = 80;
/** `RIFF`, the file's size, `WEBP`, `VP8 ` and the picture's size, of four bytes each. */
const WEBP_HEADER_BYTES = 20;

/** VP8 of key pictures only: a lossy WebP without alpha is one such picture in a file. */
export function createVp8Encoder(width: number, height: number): ClipEncoder {
  return {
    codec: 'vp8',
    config: { codec: 'vp8', codedWidth: width, codedHeight: height },
    async encode(rgb) {
      const file = await encodeLossy(pixelFrame(width, height, 3, rgb), 'webp', QUALITY);
      return file.subarray(WEBP_HEADER_BYTES, WEBP_HEADER_BYTES + file.readUInt32LE(WEBP_HEADER_BYTES - 4));
    },
    repeat: (key) => ({ data: key, key: true }),
  };
}
