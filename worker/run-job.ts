import type { Job, Submission } from '../src/core/job.ts';
import { type Attempt, Stopped } from './attempt.ts';
import type { Backend, BackendLease, Pool } from './backends/pool.ts';
import type { ComfyClient } from './comfyui/client.ts';
import type { HistoryEntry } from './comfyui/history.ts';
import type { PromptMessage } from './comfyui/messages.ts';
import { readOutcome } from './comfyui/outcome.ts';
import { promptIdOf } from './comfyui/prompt.ts';
import { deliver } from './deliver.ts';
import { executionError, isOutOfMemory, JobFailure, jobError, Retry } from './failures.ts';
import { type Ending, followPrompt } from './follow.ts';
import { placeInputs } from './inputs.ts';
import { loadPlan } from './load-plan.ts';
import type { JobParts } from './parts.ts';
import { reasonOf } from './scrub.ts';
import { attachPrompt, type SubmittedPrompt, submitPrompt } from './submit.ts';
import { watchPrompt } from './watch-prompt.ts';

/** A place at a server that can be changed for one elsewhere. */
export interface Berth {
  lease: BackendLease;
}

/** Prompts that one attempt submits at most: one may fail through no fault of the graph. */
const PROMPTS_AT_MOST = 2;

/**
 * One attempt, from its claim to SUCCEEDED. Everything else is thrown: JobFailure, Retry, the attempt's Stopped, or a bug.
 */
export async function runJob(attempt: Attempt, berth: Berth, parts: JobParts): Promise<void> {
  const { job } = attempt;
  if (job.takeovers > MOST_TAKEOVERS) {
    throw new JobFailure(jobError('INTERNAL', 'Given up: too many workers died of this job'));
  }
  const plan = await loadPlan(job, parts.loadTemplate);
  using watch = watchPrompt(attempt, plan.graph, berth.lease, parts);

  let ending = await followEarlierPrompt(attempt, berth, watch.onMessage, parts);
  for (let submitted = 0; ; submitted++) {
    const entry = ending && (await judge(ending, attempt, berth, submitted));
    if (entry) return await deliver(entry, attempt, berth.lease, plan, watch, parts);
    const graph = await placeInputs(plan, attempt, berth.lease.backend);
    watch.restart(berth.lease);
    using prompt = await submitPrompt(attempt, berth.lease, graph, watch.onMessage, parts);
    ending = prompt ? await follow(prompt, attempt, parts) : { state: 'absent' };
  }
}

/** A job that was taken from a dead worker so often kills them. */
const MOST_TAKEOVERS = 10;

/**
 * What became of the prompt that the record names, if it names one: a crashed worker's, or one that was handed over. Null when it
 * is not to be found, and a new one must be submitted.
 */
async function followEarlierPrompt(
  attempt: Attempt,
  berth: Berth,
  onMessage: (message: PromptMessage) => void,
  parts: JobParts,
): Promise<Ending | null> {
  const { job, log, submission } = attempt;
  if (!submission) return null;
  const { pool, reporter, workerId, timings, random } = parts;
  const there = submission.backend === berth.lease.backend.name ? berth.lease : pool.leaseNamed(submission.backend);
  if (there) {
    swap(berth, there);
    const ending = await followUnder(submission, attempt, there.backend, onMessage, parts);
    log.info({ at: there.backend.name, found: ending.state }, 'earlier prompt looked for');
    if (ending.state !== 'lost' && ending.state !== 'absent') return ending;
    if (ending.state === 'absent') {
      moveOn(berth, pool);
      return null;
    }
  }
  attempt.prompt = null;
  if (putBacks(job) < MOST_PUT_BACKS && (await reporter.reportedByOthers(workerId, submission.backend))) {
    throw new Retry('its prompt is at a server of another worker', {
      counts: false,
      delayMs: timings.putBack * (1 + putBacks(job) / 4) * (0.75 + random() / 2),
    });
  }
  if (there) moveOn(berth, pool);
  return null;
}

/** Where an earlier prompt was is no reason to go there again: it may be why there must be another. Throws Retry. */
function moveOn(berth: Berth, pool: Pool) {
  berth.lease[Symbol.dispose]();
  const lease = pool.lease();
  if (!lease) throw new Retry('no server', { counts: false });
  berth.lease = lease;
}

/** In about a minute the other worker has come to it, or will not: then the job is run here, though its GPU work may be done twice. */
const MOST_PUT_BACKS = 12;

/** Claims that ended neither in a failure nor with their worker. */
function putBacks({ attempts, failures, takeovers }: Job): number {
  return attempts - 1 - failures - takeovers;
}

/** Follows it under the client id that it was submitted with, so that its progress goes on being told. */
async function followUnder(
  { number, client }: Submission,
  attempt: Attempt,
  backend: Backend,
  onMessage: (message: PromptMessage) => void,
  parts: JobParts,
): Promise<Ending> {
  const promptId = promptIdOf(attempt.job.id, number);
  const heir = client === '' || client === parts.workerId ? null : backend.socketAs(client);
  try {
    using prompt = attachPrompt(attempt, backend, promptId, onMessage, false, heir ?? backend.socket);
    return await follow(prompt, attempt, parts);
  } finally {
    void heir?.close();
  }
}

function swap(berth: Berth, lease: BackendLease) {
  if (berth.lease === lease) return;
  berth.lease[Symbol.dispose]();
  berth.lease = lease;
}

async function follow(prompt: SubmittedPrompt, attempt: Attempt, { timings }: JobParts): Promise<Ending> {
  const { backend, promptId, feed, certain } = prompt;
  const { signal } = attempt;
  const ending = await followPrompt({ backend, promptId, feed, signal, timings, lookFirst: !certain });
  if (ending.state !== 'lost') attempt.prompt = null;
  return ending;
}

/** The entry of a prompt that succeeded; null when another may be submitted in its place. Throws what ends the attempt. */
async function judge(
  ending: Ending,
  attempt: Attempt,
  { lease }: Berth,
  submitted: number,
): Promise<HistoryEntry | null> {
  if (attempt.cancelRequested) throw new Stopped('canceled');
  if (ending.state === 'unreadable') throw unreadable(attempt, lease.backend.client);
  const outcome = ending.state === 'finished' ? readOutcome(ending.entry) : { outcome: ending.state };
  if (outcome.outcome === 'success' && ending.state === 'finished') return ending.entry;
  const last = submitted >= PROMPTS_AT_MOST;
  if ('failure' in outcome) {
    if (!isOutOfMemory(outcome.failure) || last) throw new JobFailure(executionError(outcome.failure));
    attempt.log.warn('out of memory, freeing it and trying once more');
    await lease.backend.client.free(attempt.signal).catch(logged(attempt, 'memory not freed'));
    return null;
  }
  // Interrupted by somebody else, gone with a restart of its server, or with the server itself.
  attempt.log.warn({ at: lease.backend.name, outcome: outcome.outcome }, 'prompt lost');
  if (outcome.outcome !== 'lost' && !last) return null;
  lease.saw('failed');
  throw new Retry(`prompt ${outcome.outcome}`, { counts: true });
}

/** A node's answer that is no JSON spoils its history entry, and the whole history with it, until it is deleted. */
function unreadable(attempt: Attempt, client: ComfyClient): JobFailure {
  const { job, submission } = attempt;
  return new JobFailure(jobError('EXECUTION_FAILED', 'ComfyUI cannot tell what the prompt made'), {
    afterwards: () => client.deleteHistory(promptIdOf(job.id, submission?.number ?? 0), AbortSignal.timeout(5_000)),
  });
}

/** For what is done on the side: its failure is logged and changes nothing. */
function logged({ log, signal }: Attempt, message: string) {
  return (cause: unknown) => {
    if (!signal.aborted) log.debug({ reason: reasonOf(cause) }, message);
  };
}
