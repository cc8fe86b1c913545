import { onTestFinished, vi } from 'vitest';

/** `hole`: takes everything and answers nothing. `refused`: nobody listens. */
type Path = 'up' | 'hole' | 'refused';

/** What is open at the gateway. `gone`: its path carries nothing any more, and nobody closes it. */
interface Wire {
  gone: boolean;
}

/** The way there and back, in milliseconds. */
const ROUND_TRIP = 50;

/** As the gateway's comments on a stream that has nothing to say. */
const COMMENT_MS = 5_000;

/**
 * A gateway as a page reaches it by `WebSocket`, `fetch` and `EventSource`, on a clock that is moved by hand: hours
 * take moments. It answers each subscription with one event, and
 * each call with a watch token. Call it before what uses the globals.
 */
export function openVirtualNetwork() {
  vi.useFakeTimers();
  // Each wait is as long as it may be.
  vi.spyOn(Math, 'random').mockReturnValue(1);
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new DOMException('timed out', 'TimeoutError')), ms);
    return controller.signal;
  });
  let path: Path = 'up';
  let subscriptions = 0;
  let calls = 0;
  const wires = new Set<Wire>();

  function wire(): Wire {
    const made = { gone: path === 'hole' };
    wires.add(made);
    return made;
  }
  const carried = ({ gone }: Wire, then: () => void) => {
    setTimeout(() => {
      if (!gone && path === 'up') then();
    }, ROUND_TRIP);
  };
  const event = () => {
    subscriptions += 1;
    return { data: { jobProgress: { seq: 1, type: 'SNAPSHOT', job: { progress: { fraction: 0.5 } } } } };
  };

  class VirtualWebSocket {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;
    readonly protocol = 'graphql-transport-ws';
    readyState = VirtualWebSocket.CONNECTING;
    onopen?: () => void;
    onmessage?: (message: { data: string }) => void;
    onerror?: (error: unknown) => void;
    onclose?: (event: { code: number; reason: string; wasClean: boolean }) => void;
    readonly #wire = wire();

    constructor() {
      if (path === 'refused') setTimeout(() => this.#ended(), ROUND_TRIP);
      carried(this.#wire, () => {
        this.readyState = VirtualWebSocket.OPEN;
        this.onopen?.();
      });
    }

    send(text: string) {
      const { type, id } = JSON.parse(text);
      const tell = (message: object) => this.onmessage?.({ data: JSON.stringify(message) });
      carried(this.#wire, () => {
        if (type === 'connection_init') tell({ type: 'connection_ack' });
        if (type === 'ping') tell({ type: 'pong' });
        if (type === 'subscribe') tell({ type: 'next', id, payload: event() });
      });
    }

    close() {
      this.readyState = VirtualWebSocket.CLOSING;
    }

    #ended() {
      this.readyState = VirtualWebSocket.CLOSED;
      this.onclose?.({ code: 1006, reason: '', wasClean: false });
    }
  }

  /** The text of an endless stream of events, as it comes. */
  function stream(listener: (text: string) => void, signal: AbortSignal) {
    const own = wire();
    carried(own, () => listener(`:\n\nevent: next\ndata: ${JSON.stringify(event())}\n\n`));
    const comments = setInterval(() => carried(own, () => listener(':\n\n')), COMMENT_MS);
    signal.addEventListener('abort', () => clearInterval(comments));
  }

  function virtualFetch(_url: string, { signal, headers, method }: RequestInit = {}): Promise<Response> {
    const leaving = signal ?? new AbortController().signal;
    const left = new Promise<never>((_, reject) => {
      leaving.addEventListener('abort', () => reject(leaving.reason));
    });
    left.catch(() => undefined);
    const streams = new Headers(headers).get('accept') === 'text/event-stream';
    const answered = new Promise<Response>((resolve, reject) => {
      if (path === 'refused') setTimeout(() => reject(new TypeError('fetch failed')), ROUND_TRIP);
      carried(wire(), () => {
        if (!streams) {
          if (method === 'POST') calls += 1;
          return resolve(new Response('{"data":{"createWatchToken":{"token":"cgw_"}}}'));
        }
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            leaving.addEventListener('abort', () => controller.error(leaving.reason));
            stream((text) => controller.enqueue(new TextEncoder().encode(text)), leaving);
          },
        });
        resolve(new Response(body));
      });
    });
    return Promise.race([answered, left]);
  }

  class VirtualEventSource extends EventTarget {
    onopen?: () => void;
    onerror?: () => void;
    readonly #leaving = new AbortController();

    constructor() {
      super();
      if (path === 'refused') setTimeout(() => this.onerror?.(), ROUND_TRIP);
      let opened = false;
      stream((text) => {
        if (!opened) this.onopen?.();
        opened = true;
        const [, data] = /^data: (.*)$/m.exec(text) ?? [];
        if (data) this.dispatchEvent(new MessageEvent('next', { data }));
      }, this.#leaving.signal);
    }

    close() {
      this.#leaving.abort();
    }
  }

  vi.stubGlobal('WebSocket', VirtualWebSocket);
  vi.stubGlobal('fetch', virtualFetch);
  vi.stubGlobal('EventSource', VirtualEventSource);

  function close() {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  }
  // Once more where a test fails in between.
  onTestFinished(close);

  return {
    /** From now on. What is open carries nothing any more, and nobody closes it. */
    become(next: Path) {
      path = next;
      for (const each of wires) each.gone = true;
      wires.clear();
    },
    /** Subscriptions and calls that were answered. */
    counts: () => ({ subscriptions, calls }),
    pass: async (ms: number) => void (await vi.advanceTimersByTimeAsync(ms)),
    /** Passes time until `count` is greater than now; gives how long that took, in milliseconds, or Infinity. */
    async msUntilMore(count: 'subscriptions' | 'calls', withinMs: number): Promise<number> {
      const before = this.counts()[count];
      for (let ms = 0; ms <= withinMs; ms += ROUND_TRIP) {
        if (this.counts()[count] > before) return ms;
        await this.pass(ROUND_TRIP);
      }
      return Number.POSITIVE_INFINITY;
    },
    /** Gives the globals back; timers that wait are forgotten. */
    close,
  };
}
