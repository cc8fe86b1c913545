import type { Comfy, InputOf, RunOptions, WorkflowName } from '../comfy.ts';
import { Canceled } from '../errors.ts';
import type { Job, Preview, Progress, Result } from '../job.ts';
import { asError, createStore } from './store.ts';

export interface Generation {
  /** As it is now; undefined until it is accepted. */
  job: Job | undefined;
  progress: Progress | undefined;
  /** The newest picture of the work under way; undefined again when the job has ended. */
  preview: Preview | undefined;
  /** What it made, once it has succeeded. */
  result: Result | undefined;
  /** Why there is no result: `BadUserInput` with `fields` for a form, `JobFailed`, … A canceled job has none. */
  error: Error | undefined;
  /** From `run` until there is a result, an error, or it is canceled. */
  isRunning: boolean;
}

const NOTHING: Generation = {
  job: undefined,
  progress: undefined,
  preview: undefined,
  result: undefined,
  error: undefined,
  isRunning: false,
};

/** Runs of a workflow, of which the last one is shown. */
export function createGeneration() {
  const store = createStore(NOTHING);
  let newest: AbortController | undefined;

  async function run(comfy: Comfy, workflow: WorkflowName, input: InputOf<WorkflowName>, options: RunOptions = {}) {
    const mine = new AbortController();
    newest = mine;
    const show = (change: Partial<Generation>) => {
      if (newest === mine) store.set(change);
    };
    show({ ...NOTHING, isRunning: true });
    try {
      const result = await comfy.run(workflow, input, {
        ...options,
        signal: options.signal ? AbortSignal.any([options.signal, mine.signal]) : mine.signal,
        onJob(job) {
          show({ job });
          options.onJob?.(job);
        },
        onProgress(progress) {
          show({ progress });
          options.onProgress?.(progress);
        },
        onPreview(preview) {
          show({ preview });
          options.onPreview?.(preview);
        },
      });
      show({ result, job: result.job, preview: undefined, isRunning: false });
      return result;
    } catch (error) {
      const isCanceled = error instanceof Canceled || mine.signal.aborted;
      show({ error: isCanceled ? undefined : asError(error), preview: undefined, isRunning: false });
      return undefined;
    }
  }

  return { ...store, run, cancel: () => newest?.abort() };
}
