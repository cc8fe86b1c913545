import type { Job, Submission } from '../../src/core/job.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { type Berth, type Course, moveOn } from '../attempt/attempt-state.ts';
import { Retry } from '../attempt/failures.ts';
import { inPromptSpan } from '../attempt/spans.ts';
import { promptIdOf } from '../comfyui/prompt.ts';
import type { JobParts } from '../parts.ts';
import type { Backend, BackendSlot } from '../pool/backend.ts';
import { type Ending, followAttached } from './follow.ts';
import { attachPrompt } from './submit.ts';
import type { PromptWatch } from './watch-prompt.ts';

/**
 * What became of the prompt that the record names, if it names one: a crashed worker's, or one that was handed over. Null when it
 * is not to be found, and a new one must be submitted.
 */
export async function followEarlierPrompt(
  attempt: Attempt,
  course: Course,
  watch: PromptWatch,
  parts: JobParts,
): Promise<Ending | null> {
  const { job, log, submission } = attempt;
  if (!submission) return null;
  const { berth } = course;
  const { pool, reporter, workerId, timings, random } = parts;
  const there = submission.backend === berth.slot.backend.name ? berth.slot : pool.takeSlotAt(submission.backend);
  if (there) {
    swap(berth, there);
    const ending = await inPromptSpan(there.backend.name, watch, () =>
      followUnder(submission, attempt, there.backend, watch, parts),
    );
    log.info({ at: there.backend.name, found: ending.state }, 'earlier prompt looked for');
    if (ending.state !== 'lost' && ending.state !== 'absent') return ending;
    if (ending.state === 'absent') {
      moveOn(attempt, course, pool);
      return null;
    }
    course.gone.add(there.backend.name);
  }
  attempt.prompt = null;
  if (putBacks(job) < MOST_PUT_BACKS && (await reporter.reportedByOthers(workerId, submission.backend))) {
    throw new Retry('its prompt is at a server of another worker', {
      counts: false,
      delayMs: timings.putBack * (1 + putBacks(job) / 4) * (0.75 + random() / 2),
    });
  }
  if (there) moveOn(attempt, course, pool);
  return null;
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
  { onMessage }: PromptWatch,
  parts: JobParts,
): Promise<Ending> {
  const promptId = promptIdOf(attempt.job.id, number);
  const heir = client === '' || client === parts.workerId ? null : backend.socketAs(client);
  try {
    using prompt = attachPrompt(attempt, backend, promptId, onMessage, false, heir ?? backend.socket);
    return await followAttached(prompt, attempt, parts);
  } finally {
    void heir?.close();
  }
}

function swap(berth: Berth, slot: BackendSlot) {
  if (berth.slot === slot) return;
  berth.slot[Symbol.dispose]();
  berth.slot = slot;
}
