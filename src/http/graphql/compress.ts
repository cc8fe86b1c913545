import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import Negotiator from 'negotiator';

const gzipped = promisify(gzip);

/** Shorter ones are a packet or three either way: a job is some 1,500 bytes, a page of twenty jobs 30,000. */
const MIN_CHARACTERS = 4_096;
/** Of Node's four threads, which also read and write files: the longest answer, 8 MiB, takes one for half a second. */
const MAX_AT_ONCE = 2;
/** It leaves 22 % of a page of jobs; level 6 leaves as much, and takes two thirds longer. */
const LEVEL = 1;
/** Browsers send some 30. What is beyond would only cost time. */
const MAX_ACCEPT_CHARACTERS = 200;

export interface Compression {
  /** Whether a text is long enough for its answer to depend on what the client takes. */
  matters(text: string): boolean;
  /** The text by gzip; null where it is to go as it is: the client does not take that, or enough is under way. */
  compress(text: string, acceptEncoding: string | string[] | undefined): Promise<Buffer | null>;
}

/** Compresses beside the event loop, and keeps nobody waiting for his turn. */
export function createCompression(): Compression {
  let underWay = 0;
  return {
    matters: ({ length }) => length >= MIN_CHARACTERS,
    async compress(text, acceptEncoding = '') {
      const headers = { 'accept-encoding': String(acceptEncoding).slice(0, MAX_ACCEPT_CHARACTERS) };
      const [best] = new Negotiator({ headers }).encodings(['gzip', 'identity']);
      if (best !== 'gzip' || underWay >= MAX_AT_ONCE) return null;
      underWay += 1;
      try {
        return await gzipped(text, { level: LEVEL });
      } finally {
        underWay -= 1;
      }
    },
  };
}
