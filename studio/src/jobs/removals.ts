import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { type Pages, withoutJob } from './live-pages.ts';

/** The API has no event for a job that is removed, so the tabs of a browser tell each other. */
const CHANNEL = 'comfygate-removed-jobs';

function forget(queries: QueryClient, id: string) {
  queries.removeQueries({ queryKey: ['job', id] });
  queries.setQueriesData<Pages>({ queryKey: ['gallery'] }, (known) => known && withoutJob(known, id));
  void queries.invalidateQueries({ queryKey: ['jobs'] });
}

/** Takes a job that was removed out of all that is shown, here and in the other tabs. */
export function announceRemoval(queries: QueryClient, id: string): void {
  forget(queries, id);
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(id);
  channel.close();
}

/** Hears what other tabs remove. */
export function useRemovals(): void {
  const queries = useQueryClient();
  useEffect(() => {
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = ({ data }) => {
      if (typeof data === 'string') forget(queries, data);
    };
    return () => channel.close();
  }, [queries]);
}
