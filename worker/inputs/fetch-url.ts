import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { SpoolError, type SpooledFile, type SpoolOptions, spool } from '../../src/files/spool.ts';
import { inputUrlFault, isPublicAddress } from '../../src/uploads/input-url.ts';
import { Retry } from '../attempt/failures.ts';
import { InputFault } from './input-fault.ts';

export interface FetchOptions extends Pick<SpoolOptions, 'signal' | 'reserveBytes' | 'count'> {
  /** Where the file is put; made when missing. */
  dir: string;
  maxBytes: number;
  /** Origins that the rules for addresses do not apply to. */
  origins: readonly string[];
  /** All addresses of a name. Default: as the system says. */
  resolve?: ((hostname: string) => Promise<{ address: string; family: number }[]>) | undefined;
}

const MAX_REDIRECTS = 3;
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 15_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches a file from an address that a caller named, following the rules for addresses with each redirect. Names are
 * resolved once for each connection, and it is made to what was checked. Nothing of ours is sent: no cookie, no
 * credential, and no proxy of the environment is used. Throws InputFault, the signal's reason, SpoolError `full`, or
 * what `count` throws.
 */
export async function fetchUrl(address: string, options: FetchOptions): Promise<SpooledFile> {
  let next = address;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const fault = inputUrlFault(next, options.origins);
    if (fault !== null) {
      throw new InputFault(
        redirects === 0 ? `An input file's address: ${fault}` : 'An input file is not where it may be',
      );
    }
    const answer = await request(new URL(next), options);
    if ('file' in answer) return answer.file;
    next = answer.location;
  }
  throw new InputFault('The address of an input file leads on too often');
}

async function request(url: URL, options: FetchOptions): Promise<{ file: SpooledFile } | { location: string }> {
  const { signal } = options;
  const client = new Client(url.origin, {
    allowH2: false,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      ...(!options.origins.includes(url.origin) && { lookup: publicLookup(options.resolve ?? resolveAll) }),
    },
    headersTimeout: IDLE_TIMEOUT_MS,
    bodyTimeout: IDLE_TIMEOUT_MS,
  });
  try {
    const headers = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'comfygate' };
    const answer = await client.request({ method: 'GET', path: `${url.pathname}${url.search}`, headers, signal });
    return await read(answer, url, options);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof InputFault || cause instanceof Retry) throw cause;
    if (cause instanceof SpoolError && cause.reason === 'full') throw cause;
    if (cause instanceof SpoolError && cause.reason === 'oversize') throw tooLarge(options);
    throw new InputFault('An input file could not be fetched', { transient: true, cause });
  } finally {
    await client.destroy();
  }
}

async function read({ statusCode, headers, body }: Dispatcher.ResponseData, url: URL, options: FetchOptions) {
  const { location, 'content-encoding': encoding, 'content-length': length } = headers;
  // Whatever of it is not read ends with the connection.
  body.on('error', () => undefined);
  if (REDIRECTS.has(statusCode) && typeof location === 'string') {
    const next = URL.parse(location, url);
    if (next) return { location: next.href };
  }
  if (statusCode !== 200) {
    const transient = statusCode >= 500 || statusCode === 408 || statusCode === 429;
    throw new InputFault(`The address of an input file answered ${statusCode}`, { transient });
  }
  if (encoding !== undefined && encoding !== 'identity') {
    throw new InputFault('The address of an input file answered with an encoded file');
  }
  const expectedLength = typeof length === 'string' && /^\d+$/.test(length) ? Number(length) : undefined;
  if (expectedLength !== undefined && expectedLength > options.maxBytes) throw tooLarge(options);
  return { file: await spool(body, options.dir, { ...options, expectedLength }) };
}

function tooLarge({ maxBytes }: FetchOptions): InputFault {
  return new InputFault(`An input file is larger than ${maxBytes} bytes`);
}

const resolveAll: NonNullable<FetchOptions['resolve']> = (hostname) => lookup(hostname, { all: true });

/**
 * For a socket: what it connects to is what has been looked at, so a name that changes its mind in between changes
 * nothing.
 */
function publicLookup(resolve: NonNullable<FetchOptions['resolve']>): LookupFunction {
  return (hostname, { all }, done) => {
    resolve(hostname).then(
      (found) => {
        const [first] = found;
        if (!first || !found.every(({ address }) => isPublicAddress(address))) {
          return done(new InputFault('An input file is not where it may be'), '', 0);
        }
        if (all) done(null, found);
        else done(null, first.address, first.family);
      },
      (cause: NodeJS.ErrnoException) => done(cause, '', 0),
    );
  };
}
