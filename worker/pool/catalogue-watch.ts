import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { NodeCatalogue } from '../../src/core/node-catalogue.ts';
import type { ComfyClient } from '../comfyui/client.ts';
import { reasonOf } from '../comfyui/redact.ts';

export interface CatalogueWatchOptions {
  client: Pick<ComfyClient, 'objectInfo'>;
  /** Shows a catalogue to the gateways and gives the hash that it is kept under. */
  publish(catalogue: NodeCatalogue): Promise<string>;
  signal: AbortSignal;
  log: Logger;
}

/** What one server's classes are, read as a whole now and then, since that is large and slow. */
export interface CatalogueWatch {
  readonly catalogue: NodeCatalogue | null;
  /** Classes whose nodes make results. */
  readonly outputClasses: ReadonlySet<string> | null;
  /** Of the published one, which is the last but for a moment. */
  readonly hash: string | null;
  /** The server answers: reads and publishes what is due, beside the caller's work; a failure is tried again with the next call. */
  look(): Promise<void>;
  /** These classes were read just now. */
  merge(classes: NodeCatalogue): void;
  /** The server may have been restarted, with other classes. */
  restarted(): void;
}

const TIMEOUT_MS = 60_000;
const EVERY_MS = 300_000;

export function createCatalogueWatch({ client, publish, signal, log }: CatalogueWatchOptions): CatalogueWatch {
  let catalogue: NodeCatalogue | null = null;
  let outputClasses: ReadonlySet<string> | null = null;
  let published: NodeCatalogue | null = null;
  let hash: string | null = null;
  let readAt = -Infinity;
  let restarts = 0;
  let working: Promise<void> | null = null;

  async function work() {
    try {
      if (performance.now() - readAt > EVERY_MS) await read();
      if (!catalogue || catalogue === published) return;
      const shown = catalogue;
      hash = await publish(shown);
      published = shown;
    } catch (cause) {
      if (!signal.aborted) log.debug({ reason: reasonOf(cause) }, 'comfyui catalogue not read');
    }
  }

  async function read() {
    const before = restarts;
    catalogue = await client.objectInfo(null, { signal, timeoutMs: TIMEOUT_MS });
    outputClasses = new Set([...catalogue].filter(([, { outputNode }]) => outputNode).map(([className]) => className));
    if (restarts === before) readAt = performance.now();
  }

  return {
    get catalogue() {
      return catalogue;
    },
    get outputClasses() {
      return outputClasses;
    },
    get hash() {
      return hash;
    },
    look() {
      working ??= work().finally(() => {
        working = null;
      });
      return working;
    },
    merge(classes) {
      if (!catalogue) return;
      const known = catalogue;
      const news = [...classes].filter(([className, now]) => !isDeepStrictEqual(known.get(className), now));
      if (news.length > 0) catalogue = new Map([...known, ...news]);
    },
    restarted() {
      restarts++;
      readAt = -Infinity;
    },
  };
}
