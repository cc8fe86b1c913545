import type { Job, JobFilter } from '@comfygate/client';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { list } from '../code/operations.ts';
import { type JobPage, type Pages, withJob } from '../jobs/live-pages.ts';
import { useComfy } from '../session/session.tsx';

/** As many as the API gives at once. */
export const PAGE_SIZE = 100;

/**
 * The jobs that fit, newest first, as far back as `loadMore` went. What is heard of jobs meanwhile (`['job', id]`,
 * which the frame keeps by each event) takes its place among them, so that no page of thousands is asked for again.
 */
export function useGalleryJobs(filter: JobFilter) {
  const comfy = useComfy();
  const queries = useQueryClient();
  const queryKey = useMemo(() => ['gallery', filter], [filter]);
  const { data, error, isPending, isFetching, isFetchingNextPage, hasNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey,
    initialPageParam: null as string | null,
    async queryFn({ pageParam, signal }) {
      const { query, variables } = list({ first: PAGE_SIZE, after: pageParam, filter });
      const { jobs } = await comfy.query<{ jobs: JobPage }>(query, variables, { signal });
      return jobs;
    },
    getNextPageParam: ({ pageInfo }) => (pageInfo.hasNextPage ? pageInfo.endCursor : undefined),
    staleTime: Number.POSITIVE_INFINITY,
    // What stays the same is the same object already; comparing thousands of jobs with each event takes long.
    structuralSharing: false,
  });

  useEffect(() => {
    const take = (jobs: (Job | null | undefined)[]) =>
      queries.setQueryData<Pages>(queryKey, (known) =>
        jobs.reduce((pages, job) => (pages && job ? withJob(pages, filter, job) : pages), known),
      );
    // What was heard of while a page was asked for may be newer than that page, or missing in it.
    if (!isFetching) take(queries.getQueriesData<Job>({ queryKey: ['job'] }).map(([, job]) => job));
    return queries.getQueryCache().subscribe((event) => {
      if (event.type !== 'updated' || event.action.type !== 'success' || event.query.queryKey[0] !== 'job') return;
      take([event.query.state.data as Job | null | undefined]);
    });
  }, [queries, queryKey, filter, isFetching]);

  const jobs = useMemo(() => data?.pages.flatMap(({ nodes }) => nodes) ?? [], [data]);
  return { jobs, error, isPending, isLoadingMore: isFetchingNextPage, hasMore: hasNextPage, loadMore: fetchNextPage };
}
