import { createClient, type RequestParams } from 'graphql-sse';

/** How long, in milliseconds, a page waits for what. */
const LIMITS = {
  /** From sending an operation to the beginning of its answer. */
  answer: 6_000,
  /** A stream of which nothing has come for so long is given up: the gateway sends a comment every five seconds. */
  silence: 10_000,
  /** Between two attempts at first; it doubles with each. */
  firstWait: 500,
  /** Between two attempts at most, so that a long outage is over for a page as soon as a short one. */
  maxWait: 3_000,
};

/**
 * Operations of every kind as server-sent events, for pages whose network lets no WebSocket pass. A path that has gone
 * silent is given up, and there is no last attempt: every mutation of the API may be sent again. `url` is that of
 * /graphql. `onState` is called when the gateway cannot be reached any more, and when it is back.
 */
export function createGatewayClient(url: string, onState: (state: 'online' | 'lost') => void = () => undefined) {
  let state: 'online' | 'lost' = 'online';
  function become(next: typeof state) {
    if (state === next) return;
    state = next;
    onState(state);
  }

  const client = createClient({
    url,
    fetchFn: fetchUnlessSilent,
    retryAttempts: Number.POSITIVE_INFINITY,
    // Half of each wait is random: pages that were cut off together do not come back in the same moment.
    retry(retries) {
      become('lost');
      return sleep(Math.min(LIMITS.maxWait, LIMITS.firstWait * 2 ** retries) * (0.5 + Math.random() / 2));
    },
    on: { connected: () => become('online') },
  });

  /**
   * What an operation gives, to its end, over as many streams as it takes: a subscription that was lost begins again
   * with a SNAPSHOT. Throws the first error of an answer, but asks again after UNAVAILABLE.
   */
  async function* results<Data>(request: RequestParams): AsyncGenerator<Data> {
    for (;;) {
      let retryAfter: number | undefined;
      for await (const { data, errors } of client.iterate<Data, unknown>(request)) {
        const [error] = errors ?? [];
        if (error && error.extensions?.code !== 'UNAVAILABLE') throw new Error(error.message);
        if (error) retryAfter = Number(error.extensions?.retryAfter ?? 1);
        else if (data) yield data;
      }
      if (retryAfter === undefined) return;
      await sleep(retryAfter * 1_000);
    }
  }

  return { results, close: () => client.dispose() };
}

/** As the browser's `fetch`, but fails where nothing comes. */
async function fetchUnlessSilent(input: string, init: RequestInit): Promise<Response> {
  const silent = new AbortController();
  let silence: ReturnType<typeof setTimeout> | undefined;
  const expectWithin = (ms: number) => {
    clearTimeout(silence);
    silence = setTimeout(() => silent.abort(), ms);
  };
  expectWithin(LIMITS.answer);
  const signal = init.signal ? AbortSignal.any([init.signal, silent.signal]) : silent.signal;
  const answer = await fetch(input, { ...init, signal }).finally(() => clearTimeout(silence));
  if (!answer.body) return answer;
  expectWithin(LIMITS.silence);
  const heard = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, stream) {
      expectWithin(LIMITS.silence);
      stream.enqueue(part);
    },
    flush: () => clearTimeout(silence),
  });
  return new Response(answer.body.pipeThrough(heard), answer);
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
