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

/** A job's previews on their way to whoever watches: the newest, and one at a time. What nobody watches goes nowhere. */
export interface Previews {
  /** A picture of a node at work; kept only until it was published or there is a newer one. Never waits. */
  show(picture: Buffer): void;
  stop(): void;
}

/** Of a preview: ComfyUI makes them 512 pixels large. What is larger is no preview, whatever its node says. */
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
