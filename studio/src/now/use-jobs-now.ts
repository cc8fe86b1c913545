import type { Job } from '@comfygate/client';
import { useQuery } from '@tanstack/react-query';
import { list } from '../code/operations.ts';
import type { JobPage } from '../jobs/live-pages.ts';
import { useComfy } from '../session/session.tsx';

/** As many as the API gives at once. */
export const MAX_OPEN = 100;
const MAX_ENDED = 18;

/** Jobs that wait or run. Whatever changes of any job asks for them again (see `useLiveJobs`). */
export const useOpenJobs = () => useJobs('open', MAX_OPEN, ['RUNNING', 'QUEUED']);

/** Those that were accepted last among those that have ended. */
export const useEndedJobs = () => useJobs('ended', MAX_ENDED, ['SUCCEEDED', 'FAILED', 'CANCELED']);

function useJobs(name: string, first: number, status: Job['status'][]) {
  const comfy = useComfy();
  return useQuery({
    queryKey: ['jobs', name],
    async queryFn({ signal }) {
      const { query, variables } = list({ first, filter: { status } });
      return (await comfy.query<{ jobs: JobPage }>(query, variables, { signal })).jobs;
    },
    // Where nothing may be watched, and after a laptop slept.
    refetchInterval: 15_000,
    refetchOnWindowFocus: 'always',
  });
}

/** Those that run, then those that wait, each as they begin. */
export function inOrder(jobs: readonly Job[]): Job[] {
  const place = ({ status, queuePosition }: Job) => (status === 'RUNNING' ? -1 : (queuePosition ?? 0));
  return jobs.toSorted((a, b) => place(a) - place(b) || Date.parse(a.createdAt) - Date.parse(b.createdAt));
}
