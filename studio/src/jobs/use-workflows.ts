import { useQuery } from '@tanstack/react-query';
import { useComfy } from '../session/session.tsx';
import { titleOf } from './words.ts';

/** The catalogue, as it is now: workflows are added and changed while a gateway runs. */
export function useWorkflows() {
  const comfy = useComfy();
  return useQuery({ queryKey: ['workflows'], queryFn: () => comfy.workflows(), staleTime: 10_000 });
}

/** The title of a workflow by its name, also of one that is no longer there. */
export function useTitles(): (workflow: string) => string {
  const { data: workflows = [] } = useWorkflows();
  return (workflow) => workflows.find(({ name }) => name === workflow)?.title ?? titleOf(workflow);
}
