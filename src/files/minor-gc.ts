import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Between two collections. Each takes less than a millisecond, since hardly any young object is still in use. */
const EVERY_BYTES = 8 * 1024 * 1024;

/**
 * For whoever passes a file on chunk by chunk: a function to call with the bytes of each chunk, which has V8 collect
 * its young objects on the way. What is small never comes to that.
 *
 * Since Node 24 (V8 13.6) the buffers of chunks no longer bring a scavenge about: their memory lies outside of V8's
 * heap, and V8 lets 64 MB of it come together before it collects at all, with a full mark-compact (nodejs/node#61967,
 * nodejs/node#63863). Each process that holds a stream grows by as much. To be removed once
 * test/unit/files/minor-gc.test.ts passes without it.
 */
export function createMinorGc(): (bytes: number) => void {
  let since = 0;
  let collect: unknown;
  return (bytes) => {
    since += bytes;
    if (since < EVERY_BYTES) return;
    since = 0;
    collect ??= exposeGc();
    if (typeof collect === 'function') collect({ type: 'minor' });
  };
}

/** `gc` is there only in contexts made after the flag was set, unless it is set on the command line. */
function exposeGc(): unknown {
  setFlagsFromString('--expose-gc');
  return runInNewContext('typeof gc === "function" ? gc : null');
}
