import type { FileHandle } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Input } from 'mediabunny';

/** The most bytes that are read. In a file without an index every packet may have to be read. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Opens a video or audio file of any length for mediabunny, which reads a few pieces of it. */
export function openMediaInput(file: FileHandle, size: number): Input {
  // The CommonJS bundle is a single file, which loads in half the time and memory of the two hundred ES modules.
  const mediabunny: typeof import('mediabunny') = createRequire(import.meta.url)('mediabunny');
  const { ADTS, CustomSource, FLAC, Input, MATROSKA, MP3, MP4, OGG, QTFF, WAVE, WEBM } = mediabunny;
  let bytesLeft = MOST_BYTES;
  return new Input({
    // Playlists are left out, since they name other files.
    formats: [MP4, QTFF, MATROSKA, WEBM, MP3, WAVE, OGG, ADTS, FLAC],
    source: new CustomSource({
      getSize: () => size,
      async read(start, end) {
        bytesLeft -= end - start;
        if (bytesLeft < 0) throw new Error('more would have to be read than may be');
        const { buffer, bytesRead } = await file.read(new Uint8Array(end - start), 0, end - start, start);
        return buffer.subarray(0, bytesRead);
      },
      maxCacheSize: 4 * 1024 * 1024,
      prefetchProfile: 'fileSystem',
    }),
  });
}
