import {
  type Client,
  CloseCode,
  createClient,
  type FormattedExecutionResult,
  type Sink,
  type SubscribePayload,
} from 'graphql-ws/client';

/** `lost`: the gateway cannot be reached at the moment, and is tried again and again. */
export type ConnectionState = 'online' | 'lost';

/** How long, in milliseconds, a page waits for what. */
const LIMITS = {
  /** A connection is asked for a sign of life this long after its last one. */
  ping: 5_000,
  /** Without a sign of life for this long after it was asked, the connection is given up. */
  pong: 5_000,
  /** From opening a connection to the gateway's acknowledgement. */
  connect: 5_000,
  /** The answer to a call over HTTP. Longer where calls have `waitSeconds`. */
  answer: 10_000,
  /** From the first byte of a file to the answer: as long as a gateway lets a file take. */
  file: 900_000,
  /** The answer to the question whether the gateway is there. */
  probe: 4_000,
  /** A socket gets its next token so long before the present one ends; at half of the time of a short one. */
  renew: 30_000,
  /** Between two renewals at least, where the clock of the page is wrong. */
  renewPause: 5_000,
  /** Between two attempts at first; it doubles with each. */
  firstWait: 500,
  /** Between two attempts at most, so that a long outage is over for a page as soon as a short one. */
  maxWait: 3_000,
};

/** Of an answer that no gateway has given, or one that cannot serve now. The same call may be sent again. */
const UNAVAILABLE_STATUS = [502, 503, 504];

/** Calls that fail although the gateway can be reached, such as those of a page whose origin may not call. */
const MAX_REFUSALS = 3;

/** So many files are being sent from this address already. */
const TOO_MANY_REQUESTS = 429;

const DAY = 86_400_000;

export interface ConnectionOptions {
  /**
   * An API key, a watch token, or the token of whoever is logged in. A function is asked with every call and every
   * connection, and again before the token ends. Keep it, and renew it in good time, as the libraries of login services
   * do. Where it rejects it is asked again.
   */
  token?: string | (() => string | Promise<string>) | undefined;
  /** Default: that of the runtime. */
  fetch?: typeof fetch | undefined;
  /** Default: that of the runtime. Node 20 has none: give it that of the package `ws`. */
  WebSocket?: unknown;
  /** How long to wait for what. */
  timeouts?: Partial<typeof LIMITS> | undefined;
}

/**
 * What the clients of a page share: one WebSocket and one `fetch`, neither of which waits forever on a path that has
 * gone silent, and which both come back by themselves after an outage of any length. `url` is that of /graphql.
 */
export function createConnection(url: string, options: ConnectionOptions = {}) {
  const { token, fetch = globalThis.fetch.bind(globalThis), WebSocket, timeouts } = options;
  const { ping, pong, connect, answer, file, probe, renew, renewPause, firstWait, maxWait } = {
    ...LIMITS,
    ...timeouts,
  };
  const ended = new AbortController();
  const stateListeners = new Set<() => void>();
  const resumeListeners = new Set<() => void>();
  let state: ConnectionState = 'online';
  let silence: ReturnType<typeof setTimeout> | undefined;
  let renewal: ReturnType<typeof setTimeout> | undefined;
  let probing: Promise<void> | undefined;

  const tokenNow = typeof token === 'function' ? token : () => token;
  const credentials = token && (async () => ({ authorization: `Bearer ${await tokenNow()}` }));

  function become(next: ConnectionState) {
    if (state === next) return;
    state = next;
    for (const listener of stateListeners) listener();
  }

  /** Half of each wait is random: pages that were cut off together do not come back in the same moment. */
  const pause = (attempt: number) =>
    sleep(Math.min(maxWait, firstWait * 2 ** attempt) * (0.5 + Math.random() / 2), ended.signal);

  async function isReachable(): Promise<boolean> {
    try {
      const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(probe)]);
      // Without CORS, so that it tells a gateway that is away from one that refuses this page.
      const response = await fetch(`${url}?query={__typename}`, { mode: 'no-cors', cache: 'no-store', signal });
      return !UNAVAILABLE_STATUS.includes(response.status);
    } catch {
      return false;
    }
  }

  /**
   * Resolves when the gateway can be reached. Asked by `fetch`, since browsers delay new WebSockets after failed ones:
   * Firefox for up to a minute.
   */
  async function probeUntilReachable() {
    for (let attempt = 0; !ended.signal.aborted && !(await isReachable()); attempt++) await pause(attempt);
    probing = undefined;
  }
  function reachable() {
    probing ??= probeUntilReachable();
    return probing;
  }

  function expectSignOfLife(withinMs: number) {
    clearTimeout(silence);
    // Not `close`, which waits for the other side: in Chromium a minute.
    silence = setTimeout(() => client.terminate(), withinMs);
  }
  function stopWaiting() {
    clearTimeout(silence);
    silence = undefined;
  }

  /** Gives the socket the next token in time. `told`: what the gateway says of the present one. */
  function renewInTime(socket: WebSocket, told: unknown) {
    const endsAt = endOf(told);
    if (!credentials || typeof token === 'string' || endsAt === undefined) return;
    clearTimeout(renewal);
    const left = endsAt - Date.now();
    const wait = Math.min(Math.max(left - renew, left / 2, renewPause), DAY);
    renewal = setTimeout(async () => {
      try {
        const payload = await credentials();
        // Its answer says until when the socket is good from now on.
        if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ type: 'ping', payload }));
      } catch {
        // Until the present one has ended, upon which the socket is closed and made anew.
        if (socket.readyState === socket.OPEN) renewInTime(socket, told);
      }
    }, wait);
  }

  let open: WebSocket | undefined;
  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    keepAlive: ping,
    webSocketImpl: WebSocket,
    ...(credentials && { connectionParams: credentials }),
    retryAttempts: Number.POSITIVE_INFINITY,
    // Also when the gateway could not be reached at all. Codes that say that the client is wrong end it nevertheless,
    // and so does one that says that the token is, where there is no other.
    shouldRetry: (closed) => typeof token === 'function' || (closed as CloseEvent).code !== CloseCode.Forbidden,
    async retryWait(retries) {
      await pause(retries);
      await reachable();
    },
    on: {
      connecting: () => expectSignOfLife(connect),
      connected(socket, told) {
        open = socket as WebSocket;
        renewInTime(open, told);
        become('online');
        resumed();
      },
      ping: (received) => {
        if (!received) expectSignOfLife(pong);
      },
      pong: (_received, told) => open && renewInTime(open, told),
      message({ type }) {
        if (type === 'pong' || type === 'connection_ack') stopWaiting();
        // A long answer before the pong. Stopping here would leave nobody waiting for the pong.
        else if (silence !== undefined) expectSignOfLife(pong);
      },
      closed(event) {
        stopWaiting();
        clearTimeout(renewal);
        // 1000: nobody is subscribed any more.
        if ((event as CloseEvent).code !== 1000) become('lost');
      },
    },
  });

  /** After the subscriptions themselves, which follow in this turn of the event loop: what is asked now is newer. */
  function resumed() {
    setTimeout(() => {
      for (const listener of resumeListeners) listener();
    });
  }

  /**
   * As the library's, and subscribes again after UNAVAILABLE. A subscription to a job whose document has `$afterSeq`
   * goes on behind the last event that came, whatever broke the connection; any other goes on with a SNAPSHOT.
   */
  function subscribe<Data = Record<string, unknown>, Extensions = unknown>(
    payload: SubscribePayload,
    sink: Sink<FormattedExecutionResult<Data, Extensions>>,
  ): () => void {
    let again: ReturnType<typeof setTimeout> | undefined;
    // The library sends the same object again, as it is then.
    const variables = { ...payload.variables };
    const request = { ...payload, variables };
    const goesOn = /\$afterSeq\b/.test(payload.query);
    let leave = start();
    function start(): () => void {
      let retryAfter: number | undefined;
      const later = (seconds: number) => {
        again = setTimeout(() => {
          leave = start();
          resumed();
        }, seconds * 1_000);
      };
      return client.subscribe<Data, Extensions>(request, {
        next(result) {
          retryAfter = result.data ? undefined : secondsUntilRetry(result.errors);
          if (goesOn) variables.afterSeq = seqOf(result.data) ?? variables.afterSeq;
          if (retryAfter === undefined) sink.next(result);
        },
        error(error) {
          const seconds = Array.isArray(error) ? secondsUntilRetry(error) : undefined;
          if (seconds === undefined) sink.error(error);
          else later(seconds);
        },
        complete() {
          if (retryAfter === undefined) sink.complete();
          else later(retryAfter);
        },
      });
    }
    return () => {
      clearTimeout(again);
      leave();
    };
  }

  /** Sends again what had no answer, when the gateway is back. */
  async function send(input: string | URL | Request, init: RequestInit | undefined, isFile: boolean) {
    const caller = AbortSignal.any([ended.signal, ...(init?.signal ? [init.signal] : [])]);
    const left = new Promise<void>((resolve) => caller.addEventListener('abort', () => resolve()));
    for (let attempt = 0, refusals = 0; ; attempt++) {
      try {
        const signal = AbortSignal.any([caller, AbortSignal.timeout(isFile ? file : answer)]);
        const headers = credentials &&
          !isFile && { headers: { ...Object.fromEntries(new Headers(init?.headers)), ...(await credentials()) } };
        const response = await fetch(input, { ...init, ...headers, signal });
        const { status } = response;
        if (!UNAVAILABLE_STATUS.includes(status) && !(isFile && status === TOO_MANY_REQUESTS)) {
          become('online');
          return response;
        }
      } catch (error) {
        if (caller.aborted || ((await isReachable()) && ++refusals === MAX_REFUSALS)) throw error;
      }
      become('lost');
      await Promise.race([pause(attempt).then(reachable), left]);
      caller.throwIfAborted();
    }
  }

  return {
    /** For `GraphQLWsLink` and the like. */
    socket: { ...client, subscribe } satisfies Client,
    /**
     * As the browser's, but a call that had no answer is sent again when the gateway is back. Every mutation of the API
     * may be: `generate` and `retryJob` have a key.
     */
    fetch: ((input, init?) => send(input, init, false)) satisfies typeof fetch,
    /** For a file to a signed address, which needs no other credential. It may be sent again, too. */
    sendFile: (to: string, init: RequestInit) => send(to, init, true),
    /** To be shown on the page; with React: `useSyncExternalStore(connection.onState, connection.state)`. */
    state: () => state,
    onState: (listener: () => void) => listen(stateListeners, listener),
    /** Calls when subscriptions have begun or begun again: events of `jobsProgress` before it may have been missed. */
    onResume: (listener: () => void) => listen(resumeListeners, listener),
    /** Ends the socket, which would keep a process alive, and all that waits. */
    async close() {
      ended.abort();
      stopWaiting();
      clearTimeout(renewal);
      // It rejects where there was no connection to end.
      await client.dispose()?.catch(() => undefined);
    },
  };
}

export type Connection = ReturnType<typeof createConnection>;

function listen(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

/** What the gateway says when it cannot serve now; undefined for any other error. */
function secondsUntilRetry(errors: FormattedExecutionResult['errors']): number | undefined {
  const extensions = errors?.[0]?.extensions;
  if (extensions?.code !== 'UNAVAILABLE') return undefined;
  return typeof extensions.retryAfter === 'number' ? extensions.retryAfter : 1;
}

/** When the token of a socket ends, by the gateway's acknowledgement or its pong; undefined where neither says it. */
function endOf(told: unknown): number | undefined {
  const { authorization } = (told ?? {}) as { authorization?: { expiresAt?: string | null } };
  return authorization?.expiresAt ? Date.parse(authorization.expiresAt) : undefined;
}

/** The number of the event that an answer brings. */
function seqOf(data: unknown): number | undefined {
  const [event] = Object.values(data ?? {});
  return typeof event?.seq === 'number' ? event.seq : undefined;
}
