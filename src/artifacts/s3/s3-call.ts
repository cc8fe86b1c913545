import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { Client } from 'minio';
import { unlessAborted } from '../../async/abort.ts';
import { objectBody } from './object-body.ts';
import { storageError } from './s3-error.ts';
import { createExchange, type Exchange } from './s3-exchange.ts';

export interface S3Endpoint {
  /** `http://host:port` or `https://host`; no path, because signatures cover it. */
  endpoint: string;
  region: string;
  accessKey: string;
  secretKey: string;
}

export interface S3Timeouts {
  /** Until a connection stands. */
  connectMs: number;
  /** Without a byte in either direction. */
  idleMs: number;
  /** A whole call, apart from the time its body may take. */
  callMs: number;
  /** A slower upload is given up, so that it does not hold a worker for hours. */
  minBytesPerSecond: number;
}

export const DEFAULT_S3_TIMEOUTS: S3Timeouts = {
  connectMs: 5_000,
  idleMs: 20_000,
  callMs: 30_000,
  minBytesPerSecond: 16 * 1024,
};

export interface CallSettings {
  signal?: AbortSignal | undefined;
  /** Size of the request's body; default 0: none to speak of. */
  bodyBytes?: number;
}

/** Smaller bodies are sent at once: servers read that much even when they refuse. */
const EXPECT_CONTINUE_BYTES = 128 * 1024;
/** What setTimeout can hold, about 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Makes calls of the minio client that always settle: each runs on a client of its own (which is only settings) over an
 * exchange with timeouts. By itself the client waits for ever for a body that dies, and hides a 503 with its answer
 * left unread.
 */
export function createS3Caller(endpoint: S3Endpoint, timeouts: S3Timeouts) {
  const { Agent } = new URL(endpoint.endpoint).protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 });

  async function exchange<T>(
    settings: CallSettings,
    work: Work<T>,
    keepsAnswer = false,
  ): Promise<{ value: T } | { error: unknown; stale: boolean }> {
    const { signal, bodyBytes = 0 } = settings;
    signal?.throwIfAborted();
    const current = createExchange({ ...timeouts, agent, expectContinue: bodyBytes >= EXPECT_CONTINUE_BYTES });
    const limitMs = timeouts.callMs + (bodyBytes / timeouts.minBytesPerSecond) * 1000;
    const limit = setTimeout(() => current.fail('no answer in time'), Math.min(limitMs, MAX_TIMER_MS));
    const callOff = () => current.abort(signal?.reason);
    signal?.addEventListener('abort', callOff, { once: true });
    const client = createClient(endpoint, current);
    let kept = false;
    try {
      const value = await unlessAborted(current.signal, work(client, current));
      kept = keepsAnswer;
      return { value };
    } catch (error) {
      signal?.throwIfAborted();
      const cause = current.signal.aborted ? current.signal.reason : error;
      return { error: storageError(cause, current.status()), stale: current.stale() };
    } finally {
      clearTimeout(limit);
      signal?.removeEventListener('abort', callOff);
      // Whatever is left must not hold its socket or its file.
      if (!kept && !current.complete()) current.abort();
    }
  }

  /** Throws StorageError, or the reason of the caller's signal. `work` may run twice. */
  async function call<T>(settings: CallSettings, work: Work<T>, keepsAnswer?: boolean): Promise<T> {
    let outcome = await exchange(settings, work, keepsAnswer);
    if ('stale' in outcome && outcome.stale) outcome = await exchange(settings, work, keepsAnswer);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  return {
    call: <T>(settings: CallSettings, work: Work<T>) => call(settings, work),
    /** As `call`, for one whose answer is read afterwards: from then on only the signal and silence end it. */
    async open(signal: AbortSignal, work: Work<Readable>): Promise<Readable> {
      const open = async (client: Client, exchange: Exchange) => ({ source: await work(client, exchange), exchange });
      const { source, exchange } = await call({ signal }, open, true);
      return objectBody(source, signal, (cause) =>
        storageError(exchange.signal.aborted ? exchange.signal.reason : cause),
      );
    },
    close: () => agent.destroy(),
  };
}

type Work<T> = (client: Client, exchange: Exchange) => Promise<T>;

/** The address of an S3 server, which must have no path, because signatures cover it. */
function parseEndpoint(endpoint: string): URL {
  const url = new URL(endpoint);
  if (!['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search !== '') {
    throw new TypeError('an S3 endpoint is http(s)://host[:port] without a path');
  }
  return url;
}

/**
 * The address that a bucket's objects lie below. Amazon's endpoint that names no region stands for the region's, with
 * the bucket as its host, as for the minio client.
 */
export function bucketUrl({ endpoint, region }: Pick<S3Endpoint, 'endpoint' | 'region'>, bucket: string): string {
  const { origin, protocol, hostname } = parseEndpoint(endpoint);
  if (hostname !== 's3.amazonaws.com') return `${origin}/${bucket}`;
  const host = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  // Amazon's certificate names one level below its host, so a bucket with a dot in its name cannot be part of it.
  return protocol === 'https:' && bucket.includes('.')
    ? `${protocol}//${host}/${bucket}`
    : `${protocol}//${bucket}.${host}`;
}

/** A client that never asks the network for a bucket's region and never retries by itself. */
export function createClient(endpoint: S3Endpoint, transport?: Pick<typeof http, 'request'>): Client {
  const { protocol, hostname, port } = parseEndpoint(endpoint.endpoint);
  const client = new Client({
    endPoint: hostname.replace(/^\[|\]$/g, ''),
    useSSL: protocol === 'https:',
    ...(port !== '' && { port: Number(port) }),
    region: endpoint.region,
    accessKey: endpoint.accessKey,
    secretKey: endpoint.secretKey,
    retryOptions: { disableRetry: true },
    ...(transport && { transport }),
  });
  // Over TLS too the signature covers the body's SHA-256, which makes the server prove that it got every byte.
  client.enableSHA256 = true;
  return client;
}
