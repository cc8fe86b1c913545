import { Readable } from 'node:stream';
import { wait } from '../../src/async/wait.ts';
import type { Graph } from '../../src/core/graph.ts';
import { type SpooledFile, spool } from '../../src/files/spool.ts';
import { isTerminalMessage, type PromptMessage } from '../comfyui/messages.ts';
import { MOST_OUTPUTS } from '../comfyui/outputs.ts';

/** A picture that a node sent over the socket, on the local disk. */
export interface WebsocketImage {
  node: string;
  file: SpooledFile;
}

/**
 * The pictures of `SaveImageWebsocket` nodes. They come as frames while the node runs and are nowhere else: a frame
 * that did not come is lost, and the prompt must be run again. Disposing it removes the files.
 */
export interface WebsocketImages extends AsyncDisposable {
  /**
   * A frame that came while `node` ran. Those of other nodes are previews and are not kept. Never waits for the disk.
   */
  onFrame(node: string, bytes: Uint8Array): void;
  /** Every message of the prompt, in the order in which they and the frames came. */
  onMessage(message: PromptMessage): void;
  /** The socket was opened anew: frames may have been lost. */
  onReconnect(): void;
  /** Another prompt begins. */
  restart(): void;
  /**
   * The prompt is over: waits until the message of its end has come, and with it all frames before; two seconds at
   * most.
   */
  settle(signal: AbortSignal): Promise<void>;
  /** Nodes, of those that are wanted (null: all), of which pictures may have been lost. */
  missing(wanted: ReadonlyMap<string, unknown> | null): string[];
  /** All that came, in the order of each node. Throws SpoolError when one could not be written. */
  images(): Promise<WebsocketImage[]>;
}

/** The class of nodes whose frames are results. */
export const SAVES_TO_WEBSOCKET = 'SaveImageWebsocket';
const END_MESSAGE_WITHIN_MS = 2_000;
/** Of pictures that wait for the disk. One that comes beyond it counts as lost. */
const WAITING_BYTES = 128 * 1024 * 1024;

/** What has come of one node. */
interface NodeImages {
  files: Promise<SpooledFile>[];
  /** A message of its beginning has come, and since then nothing can have been lost. */
  begun: boolean;
  finished: boolean;
  /** Pictures of one call, as it announced them; more than there can be once one was lost. */
  announced: number;
}

export function collectWebsocketImages(graph: Graph, tempDir: string): WebsocketImages {
  const ids = Object.keys(graph).filter((id) => graph[id]?.class_type === SAVES_TO_WEBSOCKET);
  const closing = new AbortController();
  let prompt = newPrompt();
  let writing: Promise<unknown> = Promise.resolve();
  let discarded: Promise<unknown> = Promise.resolve();
  let waitingBytes = 0;

  function newPrompt() {
    const nodes = new Map(
      ids.map((id): [string, NodeImages] => [id, { files: [], begun: false, finished: false, announced: 0 }]),
    );
    return { nodes, whole: false, ended: Promise.withResolvers<void>(), isEnded: false };
  }

  function discard({ nodes }: typeof prompt) {
    const files = [...nodes.values()].flatMap((node) => node.files);
    return Promise.all(
      files.map((file) =>
        file.then(
          ({ dispose }) => dispose(),
          () => undefined,
        ),
      ),
    );
  }

  return {
    onFrame(node, bytes) {
      const images = prompt.nodes.get(node);
      // One more than may be delivered is kept, so that too many are noticed.
      if (!images || images.files.length > MOST_OUTPUTS) return;
      if (waitingBytes + bytes.length > WAITING_BYTES) {
        images.announced = Number.POSITIVE_INFINITY;
        return;
      }
      waitingBytes += bytes.length;
      // One after the other: they came that way, and more would only hold more of them in memory.
      const file = writing.then(() => spool(Readable.from([bytes]), tempDir, { signal: closing.signal }));
      images.files.push(file);
      writing = file
        .catch(() => undefined)
        .then(() => {
          waitingBytes -= bytes.length;
        });
    },
    onMessage(message) {
      if (isTerminalMessage(message)) {
        prompt.isEnded = true;
        prompt.ended.resolve();
      }
      if (message.type === 'execution_start') prompt.whole = true;
      else if (message.type === 'executing') {
        const images = prompt.nodes.get(message.data.display_node ?? message.data.node ?? '');
        if (images) images.begun = true;
      } else if (message.type === 'progress') {
        const images = prompt.nodes.get(message.data.node ?? '');
        if (images) images.announced = Math.max(images.announced, message.data.max);
      } else if (message.type === 'progress_state') {
        for (const [id, { state }] of Object.entries(message.data.nodes)) {
          const images = state === 'finished' ? prompt.nodes.get(id) : undefined;
          if (images) images.finished = true;
        }
      }
    },
    onReconnect() {
      prompt.whole = false;
      for (const images of prompt.nodes.values()) images.begun &&= images.finished;
    },
    restart() {
      discarded = Promise.all([discarded, discard(prompt)]);
      prompt = newPrompt();
    },
    async settle(signal) {
      if (ids.length === 0 || prompt.isEnded) return;
      const waited = new AbortController();
      const timeout = wait(END_MESSAGE_WITHIN_MS, AbortSignal.any([signal, waited.signal]));
      try {
        await Promise.race([prompt.ended.promise, timeout]);
      } finally {
        waited.abort();
      }
    },
    missing(wanted) {
      const { nodes, whole, isEnded } = prompt;
      return [...nodes].flatMap(([id, { files, begun, finished, announced }]) => {
        const hasAll = (whole || begun) && (isEnded || finished) && files.length >= announced;
        return hasAll || wanted?.has(id) === false ? [] : [id];
      });
    },
    async images() {
      const nodes = [...prompt.nodes].map(async ([node, { files }]) =>
        (await Promise.all(files)).map((file) => ({ node, file })),
      );
      return (await Promise.all(nodes)).flat();
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.all([discarded, discard(prompt)]);
    },
  };
}
