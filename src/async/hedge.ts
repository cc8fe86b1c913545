/**
 * Makes a request that may be made at any time, and again beside it each time that `everyMs` pass without an answer:
 * what is sent while a server or its network is away is often lost, and would be waited for long after both are back.
 * The first to settle decides.
 */
export async function hedge<T>(
  request: (signal: AbortSignal) => Promise<T>,
  everyMs: number,
  signal: AbortSignal,
): Promise<T> {
  const settled = new AbortController();
  const bounded = AbortSignal.any([signal, settled.signal]);
  const first = Promise.withResolvers<T>();
  const begin = () => void request(bounded).then(first.resolve, first.reject);
  const repeat = setInterval(begin, everyMs);
  begin();
  try {
    return await first.promise;
  } finally {
    clearInterval(repeat);
    settled.abort();
  }
}
