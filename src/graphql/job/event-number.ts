import type { JobEvent } from '../../core/events.ts';
import { isTerminal } from '../../core/job.ts';

/** Of events that carry the number of the one before. */
const UNNUMBERED: ReadonlySet<string> = new Set(['PREVIEW', 'MOVED']);

/**
 * The number behind which a client goes on that has seen this event of `jobProgress`; undefined where it goes on as
 * before, and for what is no such event.
 */
export function eventNumber(event: unknown): number | undefined {
  if (!isJobEvent(event) || UNNUMBERED.has(event.type)) return undefined;
  // The end of the job comes behind it, under the same number.
  if (event.type === 'SNAPSHOT' && isTerminal(event.job.status)) return undefined;
  return event.seq;
}

function isJobEvent(event: unknown): event is JobEvent {
  return typeof event === 'object' && event !== null && 'seq' in event && 'type' in event && 'job' in event;
}
