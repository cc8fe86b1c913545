import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';

/** `UNAUTHENTICATED`, `BAD_USER_INPUT` and so on, of what the client throws; undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/**
 * What the pages know of the gateway. The client sends again what had no answer, so nothing is tried again here.
 * `onLocked`: called when the gateway wants to know who calls, or does not know the key.
 */
export function createQueryClient(onLocked: () => void): QueryClient {
  const onError = (error: Error) => {
    if (codeOf(error) === 'UNAUTHENTICATED') onLocked();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      // What says that the network is gone is the client, which waits for the gateway and not for the device's word.
      queries: { retry: false, staleTime: 2_000, networkMode: 'always' },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
