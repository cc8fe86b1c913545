import type { BackendReporter } from '../../src/backends/backends.ts';
import type { Job, Submission } from '../../src/core/job.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { Retry } from '../attempt/failures.ts';
import { promptIdOf } from '../comfyui/prompt.ts';
import type { Pool } from '../pool/pool.ts';
import type { Timings } from '../timings.ts';
import { changeServer } from './change-server.ts';
import { type Ending, followPrompt, type Judgeable } from './follow-prompt.ts';
import { listenToPrompt } from './prompt-feed.ts';
import { inPromptSpan } from './prompt-span.ts';
import type { PromptWatch } from './watch-prompt.ts';

export interface EarlierPromptParts {
  workerId: string;
  pool: Pool;
  reporter: BackendReporter;
  timings: Timings;
  /** 0 to 1. */
  random: () => number;
}

/**
 * What became of the prompt that the record names, if it names one: a crashed worker's, or one that was handed over.
 * Null when it is not to be found, or was withdrawn, and a new one must be submitted.
 */
export async function followEarlierPrompt(
  attempt: Attempt,
  plan: Plan,
  watch: PromptWatch,
  parts: EarlierPromptParts,
): Promise<Judgeable | null> {
  const { job, log, submission, state } = attempt;
  if (!submission) return null;
  const { pool, reporter, workerId, timings, random } = parts;
  const isHere = moveToServer(submission.backend, attempt, pool);
  if (isHere) {
    const at = submission.backend;
    const ending = await inPromptSpan(at, watch, () => followSubmission(submission, attempt, plan, watch, parts));
    log.info({ at, found: ending.state }, 'earlier prompt looked for');
    if (ending.state === 'absent') {
      changeServer(attempt, plan, pool);
      return null;
    }
    if (ending.state === 'withdrawn') return null;
    if (ending.state !== 'lost') return ending;
    state.serverGone();
  }
  state.promptOver();
  if (putBacks(job) < MOST_PUT_BACKS && (await reporter.reportedByOthers(workerId, submission.backend))) {
    throw new Retry('its prompt is at a server of another worker', {
      counts: false,
      delayMs: timings.putBack * (1 + putBacks(job) / 4) * (0.75 + random() / 2),
    });
  }
  if (isHere) changeServer(attempt, plan, pool);
  return null;
}

/** Takes a slot at this server instead of the one that is held; false where it is not a server of this worker. */
function moveToServer(name: string, { state }: Attempt, pool: Pool): boolean {
  if (state.slot.backend.name === name) return true;
  const slot = pool.takeSlotAt(name);
  if (slot) state.takeSlot(slot);
  return slot !== null;
}

/** Put-backs until the job is run here, although its GPU work may be done twice. Together they take about a minute. */
const MOST_PUT_BACKS = 12;

/** Claims that ended neither in a failure nor with their worker. */
export function putBacks({ attempts, failures, takeovers }: Job): number {
  return attempts - 1 - failures - takeovers;
}

/** Under the client id that the prompt was submitted with, so that messages about its progress go on coming. */
async function followSubmission(
  { number, client }: Submission,
  attempt: Attempt,
  plan: Plan,
  { onMessage }: PromptWatch,
  parts: EarlierPromptParts,
): Promise<Ending> {
  const { job, state } = attempt;
  const { backend } = state.slot;
  const { workerId } = parts;
  const promptId = promptIdOf(job.id, number);
  const ownSocket = client === '' || client === workerId ? null : backend.socketAs(client);
  try {
    using feed = listenToPrompt(ownSocket ?? backend.socket, promptId, onMessage, false);
    state.promptStarted(promptId);
    return await followPrompt({ promptId, feed, lookFirst: true }, attempt, plan, parts);
  } finally {
    void ownSocket?.close();
  }
}
