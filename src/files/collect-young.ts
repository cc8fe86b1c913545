import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Between two collections: each takes less than a millisecond, since hardly anything of what was young is still in use. */
const EVERY_BYTES = 8 * 1024 * 1024;

/**
 * For whoever passes a file on chunk by chunk: to be told the bytes of each. Every chunk leaves a buffer behind that lies outside of
 * V8's heap, and V8 lets more than 64 MB of those come together before it collects them, in each process that holds a stream. This
 * collects the young ones on the way. What is small never comes to that.
 */
export function createSweeper(): (bytes: number) => void {
  let since = 0;
  let collect: unknown;
  return (bytes) => {
    since += bytes;
    if (since < EVERY_BYTES) return;
    since = 0;
    collect ??= youngCollector();
    if (typeof collect === 'function') collect({ type: 'minor' });
  };
}

/** Node offers it to contexts that are made after the flag was set, and to no other way but the command line. */
function youngCollector(): unknown {
  setFlagsFromString('--expose-gc');
  return runInNewContext('typeof gc === "function" ? gc : null');
}
