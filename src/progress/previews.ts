import * as z from 'zod';
import type { Preview } from '../core/events.ts';

export const previewSchema: z.ZodType<Preview> = z.object({
  contentType: z.enum(['image/jpeg', 'image/png', 'image/webp']),
  data: z.string(),
});

/** The worker's side: what it publishes goes to whoever watches just then. */
export interface PreviewPublisher {
  publish(jobId: string, preview: Preview): Promise<void>;
}

/** The gateway's side. */
export interface PreviewChannels {
  /** Has the job's previews published and given to `onPreview` until it is disposed; once for each job at a time. */
  open(jobId: string, onPreview: (message: unknown) => void): Disposable;
  /** Says again now that they are watched: Redis may have forgotten it. */
  refresh(): Promise<void>;
  close(): void;
}
