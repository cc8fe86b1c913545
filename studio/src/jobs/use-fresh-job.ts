import type { Artifact } from '@comfygate/client';
import { useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { useComfy } from '../session/session.tsx';

/**
 * Signed addresses end, mostly after an hour, and a page may be open for longer. Call it when a file could not be
 * loaded: true where its job is asked for anew, which brings another address; false where that would not help.
 */
export function useFreshJob(jobId: string, { url, urlExpiresAt }: Artifact): () => boolean {
  const comfy = useComfy();
  const queries = useQueryClient();
  const askedFor = useRef<string>(null);
  return () => {
    if (askedFor.current === url || Date.now() < Date.parse(urlExpiresAt)) return false;
    askedFor.current = url;
    comfy.job(jobId).then(
      (job) => job && queries.setQueryData(['job', jobId], job),
      // It stays broken until it is scrolled to again, or the page is loaded again.
      (error: unknown) => console.warn('no new address of a result:', error),
    );
    return true;
  };
}
