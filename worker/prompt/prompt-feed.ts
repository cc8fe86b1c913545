import { isTerminalMessage, type PromptMessage } from '../comfyui/messages.ts';
import type { ComfySocket } from '../comfyui/socket.ts';

/** The messages of one prompt, from before it is posted until the feed is disposed. */
export interface PromptFeed extends Disposable {
  /** Whether any message has come. */
  readonly active: boolean;
  /**
   * Resolves with the message of its end, when the socket has been opened anew (messages may be lost), or after `ms`.
   */
  next(ms: number, signal: AbortSignal): Promise<void>;
  /** A look has found it running. */
  found(): void;
  /** Whether the message of its end has come since the last call. */
  takeEnd(): boolean;
  /** Its end is known from elsewhere: the message of it must come within a second, or the socket is deaf. */
  expectEnd(): void;
  /**
   * The socket may be deaf. Counts once for each feed, since the socket may only be slow, or the server have nothing to
   * send.
   */
  suspect(): void;
}

const END_MESSAGE_WITHIN_MS = 1_000;

/**
 * `onMessage` is called in the socket's receive handler, so it must be quick. It is called with each new connection,
 * too. `ours`: the prompt was submitted under this socket's client id. ComfyUI sends no messages of other clients'
 * prompts, so silence about such a one says nothing of the socket.
 */
export function listenToPrompt(
  socket: ComfySocket,
  promptId: string,
  onMessage: (message: PromptMessage) => void,
  ours: boolean,
): PromptFeed {
  let active = false;
  let everEnded = false;
  let ended = false;
  let suspected = false;
  let wake: (() => void) | undefined;

  const messages = socket.listen(promptId, (message) => {
    active = true;
    onMessage(message);
    if (!isTerminalMessage(message)) return;
    ended = everEnded = true;
    wake?.();
  });
  const openings = socket.onOpen(() => {
    onMessage({ type: 'reconnected', data: { prompt_id: promptId } });
    wake?.();
  });

  function suspect() {
    if (suspected || !ours) return;
    suspected = true;
    socket.suspect();
  }

  return {
    get active() {
      return active;
    },
    next(ms, signal) {
      signal.throwIfAborted();
      if (ended) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const settle = (done: () => void) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', onAbort);
          wake = undefined;
          done();
        };
        const onAbort = () => settle(() => reject(signal.reason));
        wake = () => settle(resolve);
        const timer = setTimeout(wake, ms);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
    found() {
      if (!active) onMessage({ type: 'running', data: { prompt_id: promptId } });
    },
    takeEnd() {
      const was = ended;
      ended = false;
      return was;
    },
    expectEnd() {
      if (everEnded) return;
      const late = socket.listen(promptId, (message) => {
        everEnded ||= isTerminalMessage(message);
      });
      setTimeout(() => {
        late[Symbol.dispose]();
        if (!everEnded) suspect();
      }, END_MESSAGE_WITHIN_MS).unref();
    },
    suspect,
    [Symbol.dispose]() {
      messages[Symbol.dispose]();
      openings[Symbol.dispose]();
    },
  };
}
