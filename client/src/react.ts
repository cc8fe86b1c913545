'use client';

import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useCallback,
  useContext,
  useState,
  useSyncExternalStore,
} from 'react';
import type { Comfy, InputOf, RunOptions, WorkflowName } from './comfy.ts';
import type { ConnectionState } from './connection.ts';
import type { Job, JobFilter, Result } from './job.ts';
import { createGeneration, type Generation } from './react/generation.ts';
import { type LiveJob, liveJob, NO_JOB } from './react/live-job.ts';
import { type LiveJobs, liveJobs } from './react/live-jobs.ts';

export type { Generation, LiveJob, LiveJobs };

const Context = createContext<Comfy | null>(null);

/** Gives the hooks below it their gateway, which `createComfy` has made once, outside of components. */
export function ComfyProvider({ comfy, children }: { comfy: Comfy; children?: ReactNode }): ReactElement {
  return createElement(Context.Provider, { value: comfy }, children);
}

/** The gateway of the nearest `ComfyProvider`. */
export function useComfy(): Comfy {
  const comfy = useContext(Context);
  if (!comfy) throw new Error('expected a <ComfyProvider comfy={createComfy({ url })}> around this component');
  return comfy;
}

interface Connected {
  /** `lost` while the gateway cannot be reached; everything goes on by itself when it can. */
  connection: ConnectionState;
}

function useConnection(comfy: Comfy): ConnectionState {
  return useSyncExternalStore(comfy.onState, comfy.state, () => 'online');
}

export interface UseGeneration<Name extends WorkflowName> extends Generation, Connected {
  /**
   * Runs the workflow, in the place of what was shown before. Gives its result, or undefined where there is none: it
   * never rejects, `error` says why. It goes on when the component goes.
   */
  run(input: InputOf<Name>, options?: RunOptions): Promise<Result | undefined>;
  /** Cancels the job that is shown. */
  cancel(): void;
}

/** Runs a workflow and shows how it comes about: `const { run, job, result } = useGeneration('upscale')`. */
export function useGeneration<Name extends WorkflowName>(workflow: Name): UseGeneration<Name> {
  const comfy = useComfy();
  const [generation] = useState(createGeneration);
  const { subscribe, get, cancel } = generation;
  const state = useSyncExternalStore(subscribe, get, get);
  const run = useCallback<UseGeneration<Name>['run']>(
    (input, options) => generation.run(comfy, workflow, input, options),
    [generation, comfy, workflow],
  );
  return { ...state, run, cancel, connection: useConnection(comfy) };
}

export interface JobOptions {
  /** Whether to ask for pictures of the work under way. Default false. */
  previews?: boolean;
  /** Whether the component waits by Suspense until there is something to show, and throws what goes wrong. */
  suspense?: boolean;
}

const noJob = { get: () => NO_JOB, subscribe: () => () => undefined, load: undefined };

/** A job as it is now, watched to its end. Without an id it has none yet. */
export function useJob(id: string, options: JobOptions & { suspense: true }): LiveJob & { job: Job | null } & Connected;
export function useJob(id: string | null | undefined, options?: JobOptions): LiveJob & Connected;
export function useJob(id: string | null | undefined, { previews = false, suspense = false }: JobOptions = {}) {
  const comfy = useComfy();
  const connection = useConnection(comfy);
  const { subscribe, get, load } = id ? liveJob(comfy, id, previews) : noJob;
  const state = useSyncExternalStore(subscribe, get, get);
  if (suspense && load && state.job === undefined) throw state.error ?? load();
  return { ...state, connection };
}

export interface JobsOptions {
  /** How many a page has, 1 to 100. Default 20. */
  first?: number;
  /** Whether the component waits by Suspense until there is something to show, and throws what goes wrong. */
  suspense?: boolean;
}

export interface UseJobs extends LiveJobs, Connected {
  /** Adds the next page, of older ones. */
  loadMore(): void;
  /** Reads all anew; only removed jobs need it. */
  reload(): void;
}

/**
 * The caller's jobs, newest first, each as it is now but for its progress: `useJob` has that. New ones come by
 * themselves, whoever makes them.
 */
export function useJobs(
  filter: JobFilter | undefined,
  options: JobsOptions & { suspense: true },
): UseJobs & { jobs: Job[] };
export function useJobs(filter?: JobFilter, options?: JobsOptions): UseJobs;
export function useJobs(filter: JobFilter = {}, { first = 20, suspense = false }: JobsOptions = {}): UseJobs {
  const comfy = useComfy();
  const connection = useConnection(comfy);
  const { subscribe, get, load, loadMore, reload } = liveJobs(comfy, filter, first);
  const state = useSyncExternalStore(subscribe, get, get);
  if (suspense && state.jobs === undefined) throw state.error ?? load();
  return { ...state, loadMore, reload, connection };
}
