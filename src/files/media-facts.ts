import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as z from 'zod';

const mediaFactsSchema = z.object({
  hasVideo: z.boolean(),
  hasAudio: z.boolean(),
  /** Pixels as shown, turned where the file says so. */
  width: z.int().positive().nullable(),
  height: z.int().positive().nullable(),
  durationSeconds: z.number().positive().nullable(),
});

/** What a video or audio file says of itself; null where it does not say. */
export type MediaFacts = z.infer<typeof mediaFactsSchema>;

/** The facts of a local file; null when they cannot be read. Rejects only with the signal's reason. */
export type MediaReader = (path: string, signal: AbortSignal) => Promise<MediaFacts | null>;

/** Generous: it takes some hundredths of a second. */
const TIMEOUT_MS = 10_000;
const THREAD_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/**
 * Reads a few pieces of a file of any length: MP4, MOV, WebM, Matroska, MP3, FLAC, WAV, Ogg, AAC. What it reads was made by
 * strangers, so each file gets a thread that can be ended and has little memory of its own. One at a time: each costs some 20 MB.
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
  const thread = new Worker(new URL(`./media-facts-thread${extname(import.meta.filename)}`, import.meta.url), {
    workerData: path,
    resourceLimits: THREAD_LIMITS,
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  // What a parser says of a stranger's file is nobody's business.
  thread.stdout.resume();
  thread.stderr.resume();
  try {
    const [facts] = await once(thread, 'message', { signal: within });
    return mediaFactsSchema.parse(facts);
  } catch {
    // Broken, of a kind that nobody here reads, too slow or too large: its facts are not known.
    signal.throwIfAborted();
    return null;
  } finally {
    await thread.terminate();
  }
}
