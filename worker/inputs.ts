import type { Graph } from '../src/core/graph.ts';
import { type Plan, putFile } from '../src/core/plan.ts';
import type { Attempt } from './attempt.ts';
import type { Backend } from './backends/pool.ts';
import { JobFailure, jobError } from './failures.ts';

/** The plan's graph with its input files brought to this server and put in. */
export async function placeInputs(plan: Plan, _attempt: Attempt, _backend: Backend): Promise<Graph> {
  if (plan.files.length === 0) return plan.graph;
  const graph = structuredClone(plan.graph);
  for (const place of plan.files) {
    putFile(graph, place, '');
    throw new JobFailure(jobError('INPUT_INVALID', 'An input file could not be fetched'));
  }
  return graph;
}
