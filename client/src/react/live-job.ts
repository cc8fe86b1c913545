import type { Comfy } from '../comfy.ts';
import { NotFound } from '../errors.ts';
import { hasEnded, type Job, type Preview } from '../job.ts';
import { asError, createLoading, createStore, shared } from './store.ts';

export interface LiveJob {
  /** As it is now; undefined until it is known, and null where there is none that the caller may see. */
  job: Job | null | undefined;
  /** The newest picture of the work under way, where `previews` asks for them. */
  preview: Preview | undefined;
  /** Why it cannot be shown, or is followed no longer. That the gateway cannot be reached is no error. */
  error: Error | undefined;
}

export const NO_JOB: LiveJob = { job: undefined, preview: undefined, error: undefined };

/** A job that is watched for as long as somebody listens, by one subscription for all who do. */
export function liveJob(comfy: Comfy, id: string, previews: boolean) {
  return shared(comfy, `job ${previews} ${id}`, () => {
    const store = createStore(NO_JOB, () => {
      const leaving = new AbortController();
      void follow(leaving.signal);
      return () => leaving.abort();
    });

    async function follow(signal: AbortSignal) {
      try {
        for await (const { job, preview } of comfy.watch(id, { previews, signal })) {
          const shown = hasEnded(job) ? undefined : (preview ?? store.get().preview);
          store.set({ job, preview: shown, error: undefined });
        }
      } catch (error) {
        if (signal.aborted) return;
        store.set(error instanceof NotFound ? { job: null } : { error: asError(error) });
      }
    }

    const load = createLoading(
      async () => {
        const job = await comfy.job(id);
        if (store.get().job === undefined) store.set({ job });
      },
      (error) => store.set({ error }),
    );
    return { ...store, load };
  });
}
