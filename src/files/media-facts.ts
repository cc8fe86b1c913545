import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as z from 'zod';

const mediaFactsSchema = z.object({
  hasVideo: z.boolean(),
  hasAudio: z.boolean(),
  /** In pixels, after the rotation that the file declares. */
  width: z.int().positive().nullable(),
  height: z.int().positive().nullable(),
  durationSeconds: z.number().positive().nullable(),
});

/** Facts in a video or audio file; null for those that it does not have. */
export type MediaFacts = z.infer<typeof mediaFactsSchema>;

/** Reads the facts of a local file; null when they cannot be read. Rejects only with the signal's reason. */
export type MediaReader = (path: string, signal: AbortSignal) => Promise<MediaFacts | null>;

/** Usually it takes some hundredths of a second. */
const TIMEOUT_MS = 10_000;
const THREAD_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/**
 * Reads a few pieces of a file of any length: MP4, MOV, WebM, Matroska, MP3, FLAC, WAV, Ogg, AAC. Files are untrusted,
 * so each gets a thread with bounded memory, which can be terminated. Only one thread runs at a time, since each takes
 * about 20 MB.
 */
export function createMediaReader({ timeoutMs = TIMEOUT_MS } = {}): MediaReader {
  let last: Promise<unknown> = Promise.resolve();
  return (path, signal) => {
    const facts = last.then(() =>
      readInThread(path, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), signal),
    );
    last = facts.catch(() => undefined);
    return facts;
  };
}

async function readInThread(path: string, within: AbortSignal, signal: AbortSignal): Promise<MediaFacts | null> {
  signal.throwIfAborted();
  const thread = new Worker(new URL(`./media-facts-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: path,
    resourceLimits: THREAD_LIMITS,
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  // Output of the parser is discarded, since it may hold content of the file.
  thread.stdout.resume();
  thread.stderr.resume();
  try {
    const [facts] = await once(thread, 'message', { signal: within });
    return mediaFactsSchema.parse(facts);
  } catch {
    // The file is broken, unsupported, too slow to read or too large, so its facts are unknown.
    signal.throwIfAborted();
    return null;
  } finally {
    await thread.terminate();
  }
}
