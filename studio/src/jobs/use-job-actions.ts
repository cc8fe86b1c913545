import type { Job } from '@comfygate/client';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { newKey } from '../code/new-key.ts';
import type { Operation } from '../code/operation.ts';
import { cancel, generate, remove, retry } from '../code/operations.ts';
import { useTell } from '../parts/toasts.tsx';
import { useComfy } from '../session/session.tsx';
import { announceRemoval } from './removals.ts';
import { useWorkflows } from './use-workflows.ts';
import { varied } from './vary.ts';

/** The calls that make something of a job, for buttons and for *as code*. */
export function useJobOperations() {
  const { data: workflows = [] } = useWorkflows();
  return {
    cancel: ({ id }: Job) => cancel(id),
    again: ({ id }: Job) => retry(id, newKey()),
    remove: ({ id }: Job) => remove(id),
    /** Null where a job has no seed, and so makes the same each time. */
    vary({ workflow, parameters, tags, priority }: Job): Operation | null {
      const known = workflows.find(({ name }) => name === workflow);
      const seeds = known?.parameters.filter(({ type }) => type === 'SEED').map(({ name }) => name) ?? [];
      const input = varied(parameters, seeds, Math.random);
      const options = { idempotencyKey: newKey(), priority, ...(tags.length > 0 && { tags }) };
      return input && generate(workflow, input, { ...options, makes: known?.makes ?? [] });
    },
  };
}

/** What buttons do with jobs. What did not work is said, and nothing throws. `busy`: wait before the next. */
export function useJobActions() {
  const comfy = useComfy();
  const queries = useQueryClient();
  const tell = useTell();
  const operations = useJobOperations();
  const [busy, setBusy] = useState(false);

  async function send({ query, variables }: Operation): Promise<boolean> {
    setBusy(true);
    try {
      await comfy.query(query, variables);
      return true;
    } catch (error) {
      tell('It did not work', { description: error instanceof Error ? error.message : String(error), bad: true });
      return false;
    } finally {
      setBusy(false);
      void queries.invalidateQueries({ queryKey: ['jobs'] });
    }
  }

  return {
    busy,
    cancel: (job: Job) => send(operations.cancel(job)),
    async again(job: Job) {
      if (await send(operations.again(job))) tell('It runs again', { description: 'See it under Now.' });
    },
    async vary(job: Job) {
      const operation = operations.vary(job);
      if (operation && (await send(operation))) tell('A variation is on its way', { description: 'See it under Now.' });
    },
    /** Gives back those that are gone. */
    async remove(jobs: readonly Job[]): Promise<string[]> {
      const gone: string[] = [];
      for (const job of jobs) {
        if (!(await send(operations.remove(job)))) break;
        gone.push(job.id);
        announceRemoval(queries, job.id);
      }
      return gone;
    },
  };
}
