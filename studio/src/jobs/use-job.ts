import { useQuery } from '@tanstack/react-query';
import { useComfy } from '../session/session.tsx';

/** A job by its id, kept as it is at the gateway. `job` is null where there is none, or none that may be seen. */
export function useJob(id: string) {
  const comfy = useComfy();
  const { data: job = null, isPending, error } = useQuery({ queryKey: ['job', id], queryFn: () => comfy.job(id) });
  return { job, isPending, error };
}
