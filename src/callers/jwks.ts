import type { FetchImplementation } from 'jose';
import * as z from 'zod';

/** The keys of an issuer cannot be read. */
export class JwksFault extends Error {
  override readonly name = 'JwksFault';
}

export interface JwksFetchOptions {
  onFault: (error: unknown) => void;
  /** Called with whether the keys are others than before; not at first. */
  onFetched: (changed: boolean) => void;
}

/** A key set of some ten keys has 20 KB. */
const MAX_BYTES = 262_144;
const MAX_KEYS = 100;
/** After a failure. */
const RETRY_AFTER_MS = 5_000;

const jwksSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(MAX_KEYS) });

/** Fetches a key set for jose: bounded, and once in five seconds while that fails. */
export function createJwksFetch({ onFault, onFetched }: JwksFetchOptions): FetchImplementation {
  let last: string | undefined;
  let fault: JwksFault | undefined;
  let retryAt = 0;

  async function fetchText(...[url, options]: Parameters<FetchImplementation>): Promise<string> {
    const response = await fetch(url, options);
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`expected status 200, got ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MAX_BYTES) throw new Error(`expected at most ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString();
    jwksSchema.parse(JSON.parse(text));
    return text;
  }

  return async (url, options) => {
    if (fault && performance.now() < retryAt) throw fault;
    try {
      const text = await fetchText(url, options);
      fault = undefined;
      onFetched(last !== undefined && last !== text);
      last = text;
      return new Response(text);
    } catch (cause) {
      fault = new JwksFault(`the keys of the issuer of JWTs cannot be read: ${reasonOf(cause)}`, { cause });
      retryAt = performance.now() + RETRY_AFTER_MS;
      onFault(fault);
      throw fault;
    }
  };
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause instanceof z.ZodError || cause instanceof SyntaxError) return 'expected JSON with a list of keys';
  // Fetch says why beside its own error.
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}
