import type { Job } from '@comfygate/client';

/** How a job stands, in a few words. */
export function stateInWords({ status, queuePosition, progress: { node, fraction }, cancelRequestedAt }: Job): string {
  if (status === 'QUEUED') {
    if (!queuePosition) return 'Starts next';
    return `Waits for ${queuePosition === 1 ? 'one other' : `${queuePosition} others`}`;
  }
  if (status === 'RUNNING') {
    if (cancelRequestedAt !== null) return 'Being canceled';
    if (queuePosition !== null) return 'Waits at the server';
    if (!node) return fraction > 0 ? 'Under way' : 'Begins';
    const steps = node.step !== null && node.totalSteps !== null ? `, step ${node.step} of ${node.totalSteps}` : '';
    return `${node.title ?? node.classType}${steps}`;
  }
  return { SUCCEEDED: 'Done', FAILED: 'Failed', CANCELED: 'Canceled' }[status];
}
