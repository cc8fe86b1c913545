import type { Job } from '@comfygate/client';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useComfy } from './session.tsx';

export const hasEnded = ({ status }: Pick<Job, 'status'>) =>
  status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELED';

export interface WatchedJob {
  job: Job | null;
  /** Address of the latest picture of the work under way, for an `img`. */
  preview: string | null;
  error: Error | null;
}

const NOTHING: WatchedJob = { job: null, preview: null, error: null };

/** A job as it is now, with previews, from wherever it was begun. `known`: how it was when it was last heard of. */
export function useWatchedJob(id: string | null, known?: Job): WatchedJob {
  const comfy = useComfy();
  const queries = useQueryClient();
  const [{ of, ...watched }, setWatched] = useState({ ...NOTHING, of: id });
  useEffect(() => {
    if (id === null) return;
    const left = new AbortController();
    setWatched({ ...NOTHING, of: id });
    async function follow(watchedId: string) {
      for await (const { job, preview } of comfy.watch(watchedId, { previews: true, signal: left.signal })) {
        setWatched((before) => ({ ...before, job, ...(preview && { preview: preview.url }) }));
        queries.setQueryData(['job', watchedId], job);
      }
    }
    follow(id).catch((error: Error) => {
      if (!left.signal.aborted) setWatched((before) => ({ ...before, error }));
    });
    return () => left.abort();
  }, [comfy, queries, id]);
  // Until the effect has run, the state is that of the job before.
  return of === id ? { ...watched, job: watched.job ?? known ?? null } : { ...NOTHING, job: known ?? null };
}
