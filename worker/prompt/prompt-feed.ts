import { isTerminalMessage, type PromptMessage } from '../comfyui/messages.ts';
import type { ComfySocket } from '../comfyui/socket.ts';

/** What the socket tells of one prompt, from before it is posted until it is disposed. */
export interface PromptFeed extends Disposable {
  /** Whether anything was told of it. */
  readonly told: boolean;
  /** Resolves when its end is told, when the socket has been opened anew (messages may be lost), or after `ms`. */
  next(ms: number, signal: AbortSignal): Promise<void>;
  /** Whether its end was told since the last call. */
  takeEnd(): boolean;
  /** Its end is known from elsewhere: the socket must tell it too within a second, or it is deaf. */
  expectEnd(): void;
  /** Once for each feed: the socket may be slow, or the server have nothing to tell. */
  suspect(): void;
}

const END_IS_TOLD_WITHIN_MS = 1_000;

/**
 * `onMessage` is called in the socket's receive handler: it must be quick. It is told of each new connection, too. `ours`: submitted under this socket's client id;
 * ComfyUI tells another's to nobody here, so silence about it says nothing of the socket.
 */
export function listenToPrompt(
  socket: ComfySocket,
  promptId: string,
  onMessage: (message: PromptMessage) => void,
  ours: boolean,
): PromptFeed {
  let told = false;
  let everEnded = false;
  let ended = false;
  let suspected = false;
  let wake: (() => void) | undefined;

  const messages = socket.listen(promptId, (message) => {
    told = true;
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
    get told() {
      return told;
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
      }, END_IS_TOLD_WITHIN_MS).unref();
    },
    suspect,
    [Symbol.dispose]() {
      messages[Symbol.dispose]();
      openings[Symbol.dispose]();
    },
  };
}
