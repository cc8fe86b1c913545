import { Readable } from 'node:stream';
import { wait } from '../../src/async/wait.ts';
import type { Graph } from '../../src/core/graph.ts';
import { type SpooledFile, spool } from '../../src/files/spool.ts';
import { pictureType } from '../comfyui/frames.ts';
import { isTerminalMessage, type PromptMessage } from '../comfyui/messages.ts';
import { MOST_OUTPUTS } from '../comfyui/outputs.ts';
import { linkedNodes } from '../comfyui/prompt.ts';

/** A picture that a node sent over the socket, on the local disk. */
export interface WebsocketImage {
  node: string;
  file: SpooledFile;
  /** Of a file name. */
  extension: 'png' | 'jpeg' | 'webp';
}

/**
 * The pictures that nodes send over the socket. They come as frames while the node runs and are nowhere else: a frame
 * that did not come is lost, and the prompt must be run again. Disposing it removes the files.
 *
 * That something was lost is known of `SaveImageWebsocket`, which announces as many steps as it sends pictures, of
 * nodes whose answer counts them (`imagesAnnounced`), and of nodes during which the socket broke after their first
 * picture. Of a node that announces nothing and whose pictures were all lost it is not known.
 */
export interface WebsocketImages extends AsyncDisposable {
  /**
   * A frame that came while `node` ran; `bare`: it does not say so itself. False where it is no result but a preview,
   * which is not kept. Never waits for the disk.
   */
  onFrame(node: string, bytes: Buffer, bare?: boolean): boolean;
  /** Every message of the prompt, in the order in which they and the frames came. */
  onMessage(message: PromptMessage): void;
  /** The socket was opened anew: frames may have been lost. */
  onReconnect(): void;
  /** Another prompt begins. */
  restart(): void;
  /**
   * The prompt is over. Where it sends pictures, waits until the message of its end has come, and with it all frames
   * before; two seconds at most. `announced`: how many each node says that it sent.
   */
  settle(signal: AbortSignal, announced?: ReadonlyMap<string, number>): Promise<void>;
  /** Nodes, of those that are wanted (null: all), of which pictures may have been lost. */
  missing(wanted: ReadonlyMap<string, unknown> | null, announced?: ReadonlyMap<string, number>): string[];
  /** All that came, in the order of each node. Throws SpoolError when one could not be written. */
  images(): Promise<WebsocketImage[]>;
}

/** Every frame of this class is a result. */
const SAVES_TO_WEBSOCKET = 'SaveImageWebsocket';
const END_MESSAGE_WITHIN_MS = 2_000;
/** Of pictures that wait for the disk. One that comes beyond it counts as lost. */
const WAITING_BYTES = 128 * 1024 * 1024;
const EXTENSIONS = { 'image/png': 'png', 'image/jpeg': 'jpeg', 'image/webp': 'webp' } as const;

/** What has come of one node. */
interface NodeImages {
  files: { file: Promise<SpooledFile>; extension: WebsocketImage['extension'] }[];
  /** A message of its beginning has come, and since then nothing can have been lost. */
  begun: boolean;
  finished: boolean;
  /** Of one call, as it announced them. */
  steps: number;
  /** A picture came that could not be kept. */
  dropped: boolean;
}

/**
 * `outputClasses`: which classes make results; null: not known. Then nodes that no other takes anything from count as
 * such, as in `isolateOutputs`.
 */
export function collectWebsocketImages(
  graph: Graph,
  tempDir: string,
  outputClasses: () => ReadonlySet<string> | null = () => null,
): WebsocketImages {
  const classOf = (id: string) => graph[id]?.class_type ?? '';
  const taken = linkedNodes(graph);
  const alwaysSends = (id: string) => classOf(id) === SAVES_TO_WEBSOCKET;
  const closing = new AbortController();
  let prompt = newPrompt();
  let writing: Promise<unknown> = Promise.resolve();
  let discarded: Promise<unknown> = Promise.resolve();
  let waitingBytes = 0;

  function newPrompt() {
    const none = () => ({ files: [], begun: false, finished: false, steps: 0, dropped: false });
    const nodes = new Map(Object.keys(graph).map((id): [string, NodeImages] => [id, none()]));
    return { nodes, kept: 0, whole: false, ended: Promise.withResolvers<void>(), isEnded: false };
  }

  /**
   * Besides `SaveImageWebsocket`, of nodes that make results: a PNG, since ComfyUI's own previews are JPEG; and any
   * picture that does not name its node, which previews do for a client that understands it, while a node that sends a
   * picture by itself does not. Samplers of custom nodes send previews of that kind, too, but report their steps.
   */
  function isResult(node: string, { steps }: NodeImages, bytes: Buffer, bare: boolean): boolean {
    if (alwaysSends(node)) return true;
    if (!(outputClasses()?.has(classOf(node)) ?? !taken.has(node))) return false;
    const type = pictureType(bytes);
    return type === 'image/png' || (bare && type !== null && steps <= 1);
  }

  function discard({ nodes }: typeof prompt) {
    const files = [...nodes.values()].flatMap((node) => node.files);
    return Promise.all(
      files.map(({ file }) =>
        file.then(
          ({ dispose }) => dispose(),
          () => undefined,
        ),
      ),
    );
  }

  return {
    onFrame(node, bytes, bare = false) {
      const images = prompt.nodes.get(node);
      if (!images || !isResult(node, images, bytes, bare)) return false;
      // One more than may be delivered is kept, so that too many are noticed.
      if (prompt.kept > MOST_OUTPUTS) return true;
      if (waitingBytes + bytes.length > WAITING_BYTES) {
        images.dropped = true;
        return true;
      }
      prompt.kept++;
      waitingBytes += bytes.length;
      // One after the other: they came that way, and more would only hold more of them in memory.
      const file = writing.then(() => spool(Readable.from([bytes]), tempDir, { signal: closing.signal }));
      images.files.push({ file, extension: EXTENSIONS[pictureType(bytes) ?? 'image/png'] });
      writing = file
        .catch(() => undefined)
        .then(() => {
          waitingBytes -= bytes.length;
        });
      return true;
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
        if (images) images.steps = Math.max(images.steps, message.data.max);
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
    async settle(signal, announced) {
      const sends = prompt.kept > 0 || (announced?.size ?? 0) > 0 || Object.keys(graph).some(alwaysSends);
      if (!sends || prompt.isEnded) return;
      const waited = new AbortController();
      const timeout = wait(END_MESSAGE_WITHIN_MS, AbortSignal.any([signal, waited.signal]));
      try {
        await Promise.race([prompt.ended.promise, timeout]);
      } finally {
        waited.abort();
      }
    },
    missing(wanted, announced) {
      const { nodes, kept, whole, isEnded } = prompt;
      // More than may be delivered, which another run would not change.
      if (kept > MOST_OUTPUTS) return [];
      return [...nodes].flatMap(([id, { files, begun, finished, steps, dropped }]) => {
        const told = announced?.get(id) ?? 0;
        const sends = alwaysSends(id) || files.length > 0 || dropped || told > 0;
        if (!sends || wanted?.has(id) === false) return [];
        const expected = alwaysSends(id) ? steps : told;
        const hasAll = (whole || begun) && (isEnded || finished) && !dropped && files.length >= expected;
        return hasAll ? [] : [id];
      });
    },
    async images() {
      const nodes = [...prompt.nodes].map(async ([node, { files }]) =>
        Promise.all(files.map(async ({ file, extension }) => ({ node, file: await file, extension }))),
      );
      return (await Promise.all(nodes)).flat();
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.all([discarded, discard(prompt)]);
    },
  };
}
