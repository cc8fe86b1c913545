import type { Client } from 'minio';
import { type ArtifactStore, StorageError, type StoredObject } from '../artifact-store.ts';
import { contentHeaders } from '../content-headers.ts';
import { parseKey, parsePrefix } from '../keys.ts';
import { signingWindow } from '../signing-window.ts';
import { createPresigner } from './presign.ts';
import { putObject } from './put-object.ts';
import { type CallSettings, createS3Caller, DEFAULT_S3_TIMEOUTS, type S3Timeouts } from './s3-call.ts';
import { s3Code } from './s3-error.ts';
import type { Exchange } from './s3-exchange.ts';

/** The most that S3 takes in one PUT. */
const MAX_OBJECT_BYTES = 5 * 1024 ** 3;
/** What one request can remove. */
const REMOVE_BATCH = 1000;

export interface S3StoreOptions {
  /** As the processes of this project reach it. */
  endpoint: string;
  /** As browsers reach it; the host is part of the signature. Default: `endpoint`. */
  publicEndpoint?: string | undefined;
  region: string;
  /** Made when missing. */
  bucket: string;
  accessKey: string;
  secretKey: string;
  /** Milliseconds since 1970. */
  now: () => number;
  timeouts?: Partial<S3Timeouts> | undefined;
}

/** Artifacts in a bucket of any S3 server. Nothing is asked of the server before the first call. */
export function createS3Store(options: S3StoreOptions): ArtifactStore {
  const { bucket, region, now } = options;
  const caller = createS3Caller(options, { ...DEFAULT_S3_TIMEOUTS, ...options.timeouts });
  const presign = createPresigner({ ...options, endpoint: options.publicEndpoint ?? options.endpoint }, bucket);
  let bucketSeen = false;

  const isThere = (settings: CallSettings) => caller.call(settings, (client) => client.bucketExists(bucket));

  /** Two callers may do this at once: whatever a server says to the second, the bucket is there then. */
  async function ensureBucket(settings: CallSettings): Promise<void> {
    if (bucketSeen) return;
    if (!(await isThere(settings))) {
      try {
        await caller.call(settings, (client) => client.makeBucket(bucket, region));
      } catch (error) {
        const isMade = ['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes(s3Code(error) ?? '');
        if (!isMade && !(await isThere(settings).catch(() => false))) throw error;
      }
    }
    bucketSeen = true;
  }

  /** Runs `work` in a bucket that exists, also when somebody removed it meanwhile. */
  async function inBucket<T>(settings: CallSettings, work: () => Promise<T>): Promise<T> {
    await ensureBucket(settings);
    try {
      return await work();
    } catch (error) {
      if (s3Code(error) !== 'NoSuchBucket') throw error;
      bucketSeen = false;
      await ensureBucket(settings);
      return work();
    }
  }

  async function head(key: string, settings: CallSettings): Promise<StoredObject | null> {
    try {
      const { size, metaData, lastModified } = await caller.call(settings, (client) => client.statObject(bucket, key));
      const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
      const sha256 = text(metaData.sha256);
      const contentType = text(metaData['content-type']) ?? 'application/octet-stream';
      return { sizeBytes: size, contentType, modifiedAt: lastModified, ...(sha256 !== undefined && { sha256 }) };
    } catch (error) {
      return nullWhenAbsent(error);
    }
  }

  return {
    async put(key, file, { signal }) {
      parseKey(key);
      if (file.sizeBytes > MAX_OBJECT_BYTES)
        throw new StorageError('refused', 'larger than one S3 object written at once');
      const settings = { signal, bodyBytes: file.sizeBytes };
      await inBucket({ signal }, () =>
        caller.call(settings, (client, exchange) => putObject(client, exchange, bucket, key, file)),
      );
      const stored = await head(key, { signal });
      if (stored?.sizeBytes !== file.sizeBytes || stored.sha256 !== file.sha256) {
        throw new StorageError('mismatch', 'the stored object is not the one that was sent');
      }
    },

    head: (key, { signal } = {}) => head(parseKey(key), { signal }),

    read: (key, { range, signal }) => {
      parseKey(key);
      const open = async (client: Client, exchange: Exchange) => {
        if (!range) return client.getObject(bucket, key);
        const body = await client.getPartialObject(bucket, key, range.start, range.end - range.start + 1);
        // A server that knows no ranges sends all of it.
        if (exchange.status() === 206) return body;
        throw new StorageError('refused', 'the S3 server does not answer ranges');
      };
      return caller.open(signal, open).catch(nullWhenAbsent);
    },

    async removePrefix(prefix, { signal } = {}) {
      parsePrefix(prefix);
      for (;;) {
        // From the start each time: what was listed is gone by then.
        const names = await caller
          .call({ signal }, (client) => listNames(client, bucket, prefix))
          .catch((error) => {
            if (s3Code(error) === 'NoSuchBucket') return [];
            throw error;
          });
        if (names.length === 0) return;
        const refused = await caller.call({ signal }, (client) => client.removeObjects(bucket, names));
        if (refused.some((answer) => answer != null)) {
          throw new StorageError('denied', 'the S3 server did not remove every object', { cause: refused[0] });
        }
        if (names.length < REMOVE_BATCH) return;
      }
    },

    async url(key, { filename, contentType, download, ...lifetime }) {
      const { startsAtMs, expiresAtMs } = signingWindow(now(), lifetime);
      // Shown files go out as they were stored; the shorter address is the same for everybody who may see it.
      const query = download
        ? { 'response-content-disposition': contentHeaders(contentType, filename, true).contentDisposition }
        : {};
      const lifeSeconds = (expiresAtMs - startsAtMs) / 1000;
      return presign({ method: 'GET', key: parseKey(key), startsAtMs, lifeSeconds, query });
    },

    async uploadUrl(key, { contentType, sizeBytes, expiresInSeconds }) {
      parseKey(key);
      // Whoever uploads cannot make it.
      await ensureBucket({});
      const startsAtMs = Math.floor(now() / 1000) * 1000;
      // What has been put stays: of two files, the server takes the first.
      const headers = { 'Content-Type': contentType, 'If-None-Match': '*' };
      const signed = { ...headers, 'Content-Length': String(sizeBytes) };
      const url = await presign({ method: 'PUT', key, startsAtMs, lifeSeconds: expiresInSeconds, headers: signed });
      return { url, headers, expiresAt: startsAtMs + expiresInSeconds * 1000 };
    },

    check: ({ signal }) => {
      bucketSeen = false;
      return ensureBucket({ signal });
    },

    close: () => caller.close(),
  };
}

function nullWhenAbsent(error: unknown): null {
  if (['NotFound', 'NoSuchKey', 'NoSuchBucket'].includes(s3Code(error) ?? '')) return null;
  throw error;
}

async function listNames(client: Client, bucket: string, prefix: string): Promise<string[]> {
  const { objects } = await client.listObjectsV2Query(bucket, prefix, '', '', REMOVE_BATCH, '');
  return objects.flatMap(({ name }) => (name === undefined ? [] : [name]));
}
