import { createLatestWriter } from '../../src/async/latest-writer.ts';
import type { PreviewPublisher } from '../../src/progress/previews.ts';
import { pictureType } from '../comfyui/frames.ts';

export interface PreviewsOptions {
  jobId: string;
  publisher: PreviewPublisher;
  /** Whether somebody watches them now. */
  wanted(): boolean;
  onError(cause: unknown): void;
  /** At least so long from one to the next, in milliseconds. */
  intervalMs: number;
}

/** Publishes a job's previews while somebody watches them: always the newest, one at a time. */
export interface Previews {
  /** A picture of a node at work; kept only until it was published or there is a newer one. Never waits. */
  show(picture: Buffer): void;
  stop(): void;
}

/** ComfyUI's previews have at most 512 pixels a side. What has more bytes than this is no preview. */
const MOST_BYTES = 1024 * 1024;

export function createPreviews({ jobId, publisher, wanted, onError, intervalMs }: PreviewsOptions): Previews {
  const writer = createLatestWriter<Buffer | null>({
    initial: null,
    intervalMs,
    same: Object.is,
    onError,
    async write(picture) {
      const contentType = picture && pictureType(picture);
      if (picture && contentType && wanted()) {
        await publisher.publish(jobId, { contentType, data: picture.toString('base64') });
      }
      return true;
    },
  });
  return {
    show(picture) {
      if (wanted() && picture.length <= MOST_BYTES && pictureType(picture)) writer.set(picture);
    },
    stop: () => writer.stop(),
  };
}
