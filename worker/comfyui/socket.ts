import type { Logger } from 'pino';
import { WebSocket } from 'ws';
import { parsedBytes, parseImageFrame } from './frames.ts';
import { type PromptMessage, parsePromptMessage } from './messages.ts';

export interface SocketOptions {
  /** The server's address; credentials in it are sent as Basic. */
  url: string;
  clientId: string;
  log: Logger;
  /** 0 to 1; default Math.random. */
  random?: () => number;
  /**
   * Default 25 s. After four of them without a frame the connection counts as dead: a node can hold up pongs for a
   * minute.
   */
  pingMs?: number;
}

/** The one WebSocket to a ComfyUI, kept open. It only receives; messages may be late, or lost. */
export interface ComfySocket {
  /**
   * Messages and pictures of one prompt, as they come. To be called before the POST, whose answer messages can outrun.
   */
  listen(promptId: string, handler: (message: PromptMessage) => void): Disposable;
  /** Whether the server has greeted this connection, so that it knows the client id. */
  readonly open: boolean;
  /** Called at each connection: messages in between are lost, and the server may be another. */
  onOpen(handler: () => void): Disposable;
  /** Resolves when it is open, or after `timeoutMs`: messages are a help, not a need. */
  opened(timeoutMs: number, signal: AbortSignal): Promise<void>;
  /**
   * What should have come as a message was found in another way: the connection may have become deaf, and only a new
   * one helps. See `reconnect` for how that comes.
   */
  suspect(): void;
  close(): Promise<void>;
}

/** Of a frame, which has no limit of its own at the server: a PNG of 20 megapixels of noise has 60 MB. */
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;
/** Of a message: a progress_state has 250 bytes for each of up to thousands of nodes. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;
/**
 * What is read of messages within a second, and of what pictures say of themselves. What comes beyond it is dropped:
 * polling finds what matters. Each counts as a kilobyte more than it has, since short ones take their time, too.
 */
const TEXT_BYTES_PER_SECOND = 8 * 1024 * 1024;
const BYTES_OF_EACH = 1024;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 2_000;
const BACKOFF_MS = { first: 100, most: 5_000 };
const GREETING = JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: true } });

export function openComfySocket(options: SocketOptions): ComfySocket {
  const { clientId, log, random = Math.random, pingMs = 25_000 } = options;
  const { address, headers } = socketAddress(options.url, clientId);
  const handlers = new Map<string, Set<(message: PromptMessage) => void>>();
  const openHandlers = new Set<() => void>();
  /** The prompt of the last message: a frame that does not name its own follows a message of it. */
  let lastPromptId: string | null = null;
  let failures = 0;
  let open = false;
  let closing = false;
  let retry: NodeJS.Timeout | undefined;
  let second = { began: 0, bytes: 0 };
  let current = connect();

  function connect(): WebSocket {
    const socket = new WebSocket(address, {
      headers,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_PAYLOAD_BYTES,
      perMessageDeflate: false,
    });
    let lastFrameAt = performance.now();
    const heartbeat = setInterval(() => {
      if (performance.now() - lastFrameAt > 4 * pingMs) socket.terminate();
      else if (socket.readyState === WebSocket.OPEN) socket.ping();
    }, pingMs);

    // The flags count only in the first frame of a connection.
    socket.on('open', () => socket.send(GREETING));
    socket.on('pong', () => (lastFrameAt = performance.now()));
    socket.on('message', (data, isBinary) => {
      lastFrameAt = performance.now();
      if (!open) greeted();
      if (!Buffer.isBuffer(data)) return;
      if (isBinary) dispatchFrame(data);
      else if (isRead(data.length)) dispatch(String(data));
    });
    // 'close' always follows, and there the connection is made again.
    socket.on('error', (cause) =>
      log.debug({ code: 'code' in cause ? cause.code : undefined }, 'comfyui socket error'),
    );
    socket.on('close', () => {
      clearInterval(heartbeat);
      open = false;
      if (!closing) reconnect();
    });
    return socket;
  }

  /**
   * The client id stays the same, since messages of prompts under way go to it. ComfyUI forgets the *new* connection of
   * an id when it notices the end of the old one later. So a connection is made only after the old one's close was
   * answered or has failed; where the server still notices late (a network that vanished), the new one is deaf, and
   * `suspect` cures that.
   */
  function reconnect() {
    const backoff = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** failures++);
    retry = setTimeout(() => (current = connect()), backoff * (0.5 + random() / 2));
  }

  function greeted() {
    open = true;
    failures = 0;
    lastPromptId = null;
    for (const onOpen of openHandlers) onOpen();
  }

  function isRead(bytes: number): boolean {
    if (bytes > MAX_TEXT_BYTES) return false;
    const now = performance.now();
    if (now - second.began >= 1_000) second = { began: now, bytes: 0 };
    second.bytes += bytes + BYTES_OF_EACH;
    return second.bytes <= TEXT_BYTES_PER_SECOND;
  }

  function dispatch(text: string) {
    if (handlers.size === 0) {
      lastPromptId = null;
      return;
    }
    const message = parsePromptMessage(text, (promptId) => {
      lastPromptId = promptId;
      return handlers.has(promptId);
    });
    if (message) emit(message);
  }

  function dispatchFrame(frame: Buffer) {
    if (handlers.size === 0 || !isRead(parsedBytes(frame))) return;
    const picture = parseImageFrame(frame);
    // Custom nodes leave the prompt empty where they were not told it.
    const promptId = picture?.of?.promptId || lastPromptId;
    if (!picture || promptId === null) return;
    const { of, bytes } = picture;
    emit({ type: 'picture', data: { prompt_id: promptId, node: of?.node ?? null, bytes } });
  }

  function emit(message: PromptMessage) {
    for (const handler of handlers.get(message.data.prompt_id) ?? []) handler(message);
  }

  async function shut(socket: WebSocket) {
    if (socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const force = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
    socket.close();
    await closed;
    clearTimeout(force);
  }

  return {
    get open() {
      return open;
    },
    listen(promptId, handler) {
      const set = handlers.get(promptId) ?? new Set();
      handlers.set(promptId, set.add(handler));
      return {
        [Symbol.dispose]() {
          set.delete(handler);
          if (set.size === 0) handlers.delete(promptId);
        },
      };
    },
    onOpen(handler) {
      openHandlers.add(handler);
      return { [Symbol.dispose]: () => void openHandlers.delete(handler) };
    },
    opened(timeoutMs, signal) {
      if (open || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          openHandlers.delete(done);
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        signal.addEventListener('abort', done);
        openHandlers.add(done);
      });
    },
    suspect() {
      if (!open) return;
      log.info('comfyui socket seems deaf, connecting again');
      void shut(current);
    },
    async close() {
      closing = true;
      clearTimeout(retry);
      await shut(current);
    },
  };
}

function socketAddress(url: string, clientId: string) {
  const address = new URL(url);
  const { username, password } = address;
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  address.pathname = `${address.pathname.replace(/\/+$/, '')}/ws`;
  address.search = new URLSearchParams({ clientId }).toString();
  address.username = address.password = '';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers = username === '' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  return { address: address.href, headers };
}
