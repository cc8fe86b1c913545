import type { Job } from '@comfygate/client';

/** How a job stands, in a few words. */
export function stateInWords({ status, queuePosition, progress: { node }, cancelRequestedAt }: Job): string {
  if (status === 'QUEUED') {
    if (!queuePosition) return 'Starts next';
    return `Waits for ${queuePosition === 1 ? 'one other' : `${queuePosition} others`}`;
  }
  if (status === 'RUNNING') {
    if (cancelRequestedAt !== null) return 'Being cancelled';
    if (queuePosition !== null) return 'Waits at the server';
    if (!node) return 'Begins';
    const steps = node.step !== null && node.totalSteps !== null ? `, step ${node.step} of ${node.totalSteps}` : '';
    return `${node.title ?? node.classType}${steps}`;
  }
  return { SUCCEEDED: 'Done', FAILED: 'Failed', CANCELED: 'Cancelled' }[status];
}

/** `8 s`, `2 min 5 s`; null where it has not run. */
export function duration({ startedAt, finishedAt }: Job): string | null {
  if (startedAt === null || finishedAt === null) return null;
  const seconds = Math.max(0, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000);
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
