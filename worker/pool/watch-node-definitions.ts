import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { NodeDefinitions } from '../../src/core/node-definitions.ts';
import { type NodeReplacements, withReplaced } from '../../src/core/node-replacements.ts';
import type { ComfyClient } from '../comfyui/client.ts';
import { reasonOf } from '../comfyui/redact.ts';

export interface NodeDefinitionsWatchOptions {
  client: Pick<ComfyClient, 'objectInfo' | 'nodeReplacements'>;
  /** Shows node definitions to the gateways and gives the hash that they are kept under; null: they are too large. */
  publish(nodeDefinitions: NodeDefinitions): Promise<string | null>;
  signal: AbortSignal;
  log: Logger;
}

/** One server's classes. They are read as a whole only now and then, since that is large and slow. */
export interface NodeDefinitionsWatch {
  readonly nodeDefinitions: NodeDefinitions | null;
  /** Classes whose nodes make results. */
  readonly outputClasses: ReadonlySet<string> | null;
  /** Of the published one, which is the last but for a moment. */
  readonly hash: string | null;
  /**
   * To be called when the server answers: reads and publishes what is due. What fails is tried again with the next
   * call.
   */
  look(): Promise<void>;
  /** These classes were read just now. */
  merge(classes: NodeDefinitions): void;
  /** The server may have been restarted, with other classes. */
  restarted(): void;
}

const TIMEOUT_MS = 60_000;
const EVERY_MS = 300_000;

export function createNodeDefinitionsWatch({
  client,
  publish,
  signal,
  log,
}: NodeDefinitionsWatchOptions): NodeDefinitionsWatch {
  let classes: NodeDefinitions = new Map();
  let replacements: NodeReplacements = new Map();
  /** Both together. */
  let nodeDefinitions: NodeDefinitions | null = null;
  let outputClasses: ReadonlySet<string> | null = null;
  let published: NodeDefinitions | null = null;
  let hash: string | null = null;
  let readAt = -Infinity;
  let restarts = 0;
  let working: Promise<void> | null = null;

  async function work() {
    try {
      if (performance.now() - readAt > EVERY_MS) await read();
      if (!nodeDefinitions || nodeDefinitions === published) return;
      const shown = nodeDefinitions;
      hash = await publish(shown);
      published = shown;
    } catch (cause) {
      if (!signal.aborted) log.debug({ reason: reasonOf(cause) }, 'node definitions of comfyui not read');
    }
  }

  async function read() {
    const before = restarts;
    const options = { signal, timeoutMs: TIMEOUT_MS };
    [classes, replacements] = await Promise.all([client.objectInfo(null, options), client.nodeReplacements(options)]);
    nodeDefinitions = withReplaced(classes, replacements);
    outputClasses = new Set(
      [...nodeDefinitions].filter(([, { outputNode }]) => outputNode).map(([className]) => className),
    );
    if (restarts === before) readAt = performance.now();
  }

  return {
    get nodeDefinitions() {
      return nodeDefinitions;
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
    merge(read) {
      if (!nodeDefinitions) return;
      const news = [...read].filter(([className, now]) => !isDeepStrictEqual(classes.get(className), now));
      if (news.length === 0) return;
      classes = new Map([...classes, ...news]);
      nodeDefinitions = withReplaced(classes, replacements);
    },
    restarted() {
      restarts++;
      readAt = -Infinity;
    },
  };
}
