import { CANCEL, GENERATE, ONE_JOB } from './documents.ts';
import { Canceled, JobFailed, NotFound } from './errors.ts';
import { hasEnded, type Job, type JobEvent, type Result, resultOf } from './job.ts';
import type { FollowOptions, StartOptions, WatchOptions } from './options.ts';
import type { SendDocument } from './query.ts';

export interface RunningOptions {
  query: SendDocument;
  /** The events of a job up to its end. */
  follow: (job: Job, options: WatchOptions) => AsyncIterable<JobEvent>;
}

/** Jobs from their acceptance to their results. */
export function createRunning({ query, follow }: RunningOptions) {
  async function job(id: string): Promise<Job | null> {
    return (await query<{ job: Job | null }>(ONE_JOB, { id })).job;
  }

  async function cancel(id: string): Promise<Job> {
    return (await query<{ cancelJob: Job }>(CANCEL, { id })).cancelJob;
  }

  /** Not ended by the signal: who does not know whether there is a job cannot cancel it. */
  async function accept(
    workflow: string,
    input: unknown,
    idempotencyKey: string,
    { priority, tags, deadlineSeconds, signal }: StartOptions,
  ): Promise<Job> {
    const { generate } = await query<{ generate: { job: Job } }>(GENERATE, {
      input: { workflow: { [workflow]: input }, idempotencyKey, priority, tags, deadlineSeconds },
    });
    if (signal?.aborted) await cancel(generate.job.id);
    signal?.throwIfAborted();
    return generate.job;
  }

  /** The job when it has ended. */
  async function end(accepted: Job, { signal, onJob, onProgress, onPreview }: FollowOptions): Promise<Job> {
    let latest = accepted;
    function tell(next: Job) {
      latest = next;
      onJob?.(next);
      onProgress?.(next.progress);
    }
    tell(accepted);
    while (!hasEnded(latest)) {
      for await (const event of follow(latest, { afterSeq: latest.seq, previews: Boolean(onPreview), signal })) {
        if (event.preview) onPreview?.(event.preview);
        else tell(event.job);
      }
      // Where its last event is the one that was seen last, no more come.
      if (!hasEnded(latest)) tell((await job(latest.id)) ?? latest);
    }
    return latest;
  }

  /** What it has made, when it has ended. Aborted, it cancels the job. */
  async function result(started: Job | string, options: FollowOptions = {}): Promise<Result> {
    const found = typeof started === 'string' ? await job(started) : started;
    if (!found) throw NotFound.job(String(started));
    try {
      const ended = await end(found, options);
      if (ended.status === 'FAILED') throw new JobFailed(ended);
      if (ended.status === 'CANCELED') throw new Canceled(ended);
      const hasTexts = ended.artifacts.some(({ __typename }) => __typename === 'TextArtifact');
      return resultOf((hasTexts && (await job(ended.id))) || ended);
    } catch (error) {
      if (options.signal?.aborted) await cancel(found.id);
      throw error;
    }
  }

  return { job, cancel, accept, result };
}
