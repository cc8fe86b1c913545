// The thread that media-facts.ts starts for one file. It posts the facts of the file, or ends with an error.
import { open } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { MediaFacts } from './media-facts.ts';
import { openMediaInput } from './media-input.ts';

const path: unknown = workerData;
if (typeof path !== 'string') throw new TypeError('a path is needed');
const file = await open(path, 'r');
const { size } = await file.stat();
using input = openMediaInput(file, size);

const video = await input.getPrimaryVideoTrack();
const audio = await input.getPrimaryAudioTrack();
const facts: MediaFacts = {
  hasVideo: video !== null,
  hasAudio: audio !== null,
  width: (video && (await video.getDisplayWidth())) || null,
  height: (video && (await video.getDisplayHeight())) || null,
  durationSeconds: await duration(),
};
parentPort?.postMessage(facts);
await file.close();

/**
 * The duration in the file's header, otherwise by its packets, to a millionth of a second; null where neither has it.
 */
async function duration(): Promise<number | null> {
  const seconds = (await input.getDurationFromMetadata()) || (await input.computeDuration().catch(() => 0));
  return Number.isFinite(seconds) && seconds > 0 ? Math.round(seconds * 1e6) / 1e6 : null;
}
