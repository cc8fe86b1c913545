import type { Job } from '@comfygate/client';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useComfy } from './session.tsx';

/** Lists are asked for again at most so often, in milliseconds, however many jobs change. */
const LISTS_EVERY_MS = 500;

/**
 * Keeps what the pages know of jobs as it is at the gateway: `['job', id]` by each event, lists (`['jobs', …]`) by
 * asking again. Used once, for all pages.
 */
export function useLiveJobs(): void {
  const comfy = useComfy();
  const queries = useQueryClient();
  useEffect(() => {
    const left = new AbortController();
    let due: ReturnType<typeof setTimeout> | undefined;
    const refreshLists = () => {
      due ??= setTimeout(() => {
        due = undefined;
        // A list that is just being read is read to its end, and again by the next event.
        void queries.invalidateQueries({ queryKey: ['jobs'] }, { cancelRefetch: false });
      }, LISTS_EVERY_MS);
    };
    async function follow() {
      for await (const { job } of comfy.watchAll({ signal: left.signal })) {
        queries.setQueryData<Job>(['job', job.id], (known) => (known && known.seq > job.seq ? known : job));
        refreshLists();
      }
    }
    // Whoever may not watch still sees what is there when a page is opened, and after what is done on it.
    follow().catch((error: unknown) => left.signal.aborted || console.warn('no live lists of jobs:', error));
    // Events may have been missed before.
    const forget = comfy.onResume(() => void queries.invalidateQueries());
    return () => {
      forget();
      clearTimeout(due);
      left.abort();
    };
  }, [comfy, queries]);
}
