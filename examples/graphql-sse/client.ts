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
 * /graphql. `onState` is called when the gateway cannot be reached any more, and when it is back. `token` gives that of
 * whoever is logged in, for each stream, where the gateway asks who calls.
 */
export function createGatewayClient(
  url: string,
  onState: (state: 'online' | 'lost') => void = () => undefined,
  token?: () => Promise<string>,
) {
  let state: 'online' | 'lost' = 'online';
  function become(next: typeof state) {
    if (state === next) return;
    state = next;
    onState(state);
  }

  /** A login that is away is waited for. */
  async function headers(): Promise<Record<string, string>> {
    for (; token; await sleep(LIMITS.maxWait)) {
      const given = await token().catch(() => become('lost'));
      if (given) return { authorization: `Bearer ${given}` };
    }
    return {};
  }

  const client = createClient({
    url,
    fetchFn: fetchUnlessSilent,
    headers,
    retryAttempts: Number.POSITIVE_INFINITY,
    // Half of each wait is random: pages that were cut off together do not come back in the same moment.
    retry(retries) {
      become('lost');
      return sleep(Math.min(LIMITS.maxWait, LIMITS.firstWait * 2 ** retries) * (0.5 + Math.random() / 2));
    },
    on: { connected: () => become('online') },
  });

  /**
   * What an operation gives, to its end, over as many streams as it takes: a lost subscription to a job goes on behind
   * the last event that came where its document has `$afterSeq`, and with a SNAPSHOT otherwise. Throws the first error
   * of an answer, but asks again after UNAVAILABLE, and with another token where one has ended.
   */
  async function* results<Data>(request: RequestParams): AsyncGenerator<Data> {
    // The library sends the same object again, as it is then.
    const variables = { ...request.variables };
    const goesOn = /\$afterSeq\b/.test(request.query);
    const passing = token ? ['UNAVAILABLE', 'UNAUTHENTICATED'] : ['UNAVAILABLE'];
    for (;;) {
      let retryAfter: number | undefined;
      for await (const { data, errors } of client.iterate<Data, unknown>({ ...request, variables })) {
        const [error] = errors ?? [];
        if (error && !passing.includes(String(error.extensions?.code))) throw new Error(error.message);
        if (error) retryAfter = Number(error.extensions?.retryAfter ?? 1);
        else if (data) {
          const [event]: { seq?: number }[] = Object.values(data);
          if (goesOn) variables.afterSeq = event?.seq ?? variables.afterSeq;
          yield data;
        }
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
