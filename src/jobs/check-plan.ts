import type { Plan } from '../callers/plans.ts';
import { GatewayError } from '../core/errors.ts';
import type { Priority } from '../core/job.ts';
import { largestPicture } from '../core/node-load.ts';
import type { JobCheck } from './accept-job.ts';
import { createBySize } from './by-size.ts';

/** FORBIDDEN for what the plan of its caller has not; null where it has. */
export function whyNotInPlan(
  { name, workflows, priorities }: Plan,
  { workflow, priority }: { workflow: string; priority: Priority },
): GatewayError | null {
  if (workflows !== '*' && !workflows.includes(workflow)) {
    return forbidden(`your plan ${name} has no workflow ${workflow}, but ${workflows.join(', ') || 'none'}`);
  }
  if (!priorities.includes(priority)) {
    return forbidden(`your plan ${name} has no priority ${priority}, but ${priorities.join(', ')}`);
  }
  return null;
}

const forbidden = (message: string) => new GatewayError(message, { code: 'FORBIDDEN' });

/** Whether the largest picture of the graph is one that the plan has. Where the graph does not say, it may be any. */
export function createMegapixelCheck(): JobCheck {
  const largest = createBySize(largestPicture);
  return async (job, { graph }, path) => {
    const { limits, template } = job;
    const most = limits?.megapixels ?? null;
    if (most === null) return [];
    const pixels = largest.of(job, graph);
    if (pixels <= most * 1e6) return [];
    const message =
      `expected pictures of at most ${most} megapixels, the most of your plan ${limits?.plan}, ` +
      `got ${Math.round(pixels / 1e4) / 100}`;
    return [{ path: [...path, ...(template ? [] : ['graph'])], message, code: 'too_big', maximum: most }];
  };
}
