import { issuesAtNearestServer } from '../../src/backends/nearest-server.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { JobParts } from '../parts.ts';
import { JobFailure, rejectionError } from './failures.ts';

/**
 * Why a job can never run: no ComfyUI that anybody knows, reached or not, has what it needs. Null where one has it, or where one's
 * classes are not known. It was accepted before they were.
 */
export async function whyImpossible(
  plan: Plan,
  { knownNodeDefinitions, startedAt, timings }: Pick<JobParts, 'knownNodeDefinitions' | 'startedAt' | 'timings'>,
): Promise<JobFailure | null> {
  // Workers that were started together have told of their servers by then.
  if (performance.now() - startedAt < timings.settle) return null;
  const seen = await knownNodeDefinitions.read();
  if (seen.some(({ nodeDefinitions }) => nodeDefinitions === null)) return null;
  const [issue] = issuesAtNearestServer(plan, seen);
  if (!issue) return null;
  const { nodeId, classType, input, message } = issue;
  const text = input === null ? message : `${input}: ${message}`;
  return new JobFailure(rejectionError({ type: issue.kind, nodeId, classType, text }));
}
