import { badInput, GatewayError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { createProgress, followJob, type Progress } from './follow-job.ts';
import { describeJob, refusalOf, said, type ToolResult } from './results.ts';
import type { McpCall, McpServices } from './services.ts';
import { MOST_WAIT_SECONDS, USUAL_WAIT_SECONDS } from './tools.ts';

/** A call of a tool, and the request that brought it. */
export interface ToolCall {
  call: McpCall;
  /** Of JSON-RPC. */
  id: string | number;
  arguments: { [name: string]: unknown };
  /** Whether a client that leaves means to cancel, as from 2026 on; before, it says so. */
  leavingCancels: boolean;
  /** Aborts when this gateway stops. */
  closing: AbortSignal;
  onProgress(progress: Progress): Promise<void>;
}

/** Waits for the end of a job, and says how it stands then. `cancelled` ends the wait and the job. */
export async function awaitJob(
  job: Job,
  waitSeconds: number,
  { call, closing, leavingCancels, onProgress }: ToolCall,
  services: McpServices,
  cancelled?: AbortSignal,
): Promise<ToolResult> {
  const { identity, requestId, address, client, signal } = call;
  /** A key that has ended, or a gateway that stops, cancels nothing. */
  const isMeant = () =>
    cancelled !== undefined &&
    (cancelled.aborted ||
      (leavingCancels && signal.aborted && !(signal.reason instanceof GatewayError) && !closing.aborted));
  const progressOf = createProgress();
  try {
    const seen = await followJob(job, {
      feed: services.feed,
      identity,
      waitSeconds,
      signals: [signal, closing, ...(cancelled ? [cancelled] : [])],
      async onEvent(event) {
        const progress = progressOf(event);
        if (progress) await onProgress(progress);
      },
    });
    const last = isMeant() ? await services.jobs.cancel(identity, job.id, requestId, address, client) : seen;
    return await describeJob(last, call, services);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.details.code !== 'UNAVAILABLE') return refusalOf(error);
    return said(`UNAVAILABLE: ${error.message}. The job ${job.id} goes on: call \`job\` with this id later.`, true);
  }
}

/** The argument `waitSeconds` of a tool. Throws BAD_USER_INPUT. */
export function secondsOf(value: unknown): number {
  if (value === undefined || value === null) return USUAL_WAIT_SECONDS;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_WAIT_SECONDS) return value;
  const message = `expected an integer from 0 to ${MOST_WAIT_SECONDS}`;
  throw badInput([{ path: ['waitSeconds'], message, code: 'out_of_range', minimum: 0, maximum: MOST_WAIT_SECONDS }]);
}
