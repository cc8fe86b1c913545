import { issuesAtNearestServer } from '../../src/backends/nearest-server.ts';
import type { NodeDefinitionsDirectory } from '../../src/backends/node-definitions.ts';
import type { JobError } from '../../src/core/job.ts';
import type { Plan } from '../../src/core/plan.ts';
import { rejectionError } from '../attempt/failures.ts';
import type { Timings } from '../timings.ts';

export interface UnrunnableParts {
  /** The node definitions of all ComfyUIs of the installation. */
  knownNodeDefinitions: Pick<NodeDefinitionsDirectory, 'read'>;
  /** When this worker was started: performance.now(). */
  startedAt: number;
  timings: Timings;
}

/**
 * Why a job can never run: no ComfyUI that anybody knows, reached or not, has what it needs. Null where one has it, or
 * where the node definitions of one are not known. Such a job was accepted before they were.
 */
export async function whyUnrunnable(
  plan: Plan,
  { knownNodeDefinitions, startedAt, timings }: UnrunnableParts,
): Promise<JobError | null> {
  // Workers that were started together have reported their servers by then.
  if (performance.now() - startedAt < timings.settle) return null;
  const seen = await knownNodeDefinitions.read();
  if (seen.some(({ nodeDefinitions }) => nodeDefinitions === null)) return null;
  const [issue] = issuesAtNearestServer(plan, seen);
  if (!issue) return null;
  const { nodeId, classType, input, message } = issue;
  const text = input === null ? message : `${input}: ${message}`;
  return rejectionError({ type: issue.kind, nodeId, classType, text });
}
