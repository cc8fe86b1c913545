import { LRUCache } from 'lru-cache';
import type { NodeCosts } from '../backends/node-costs.ts';
import type { Graph } from '../core/graph.ts';
import type { NewJob } from '../job-record/job-store.ts';

/** Milliseconds of a server that a job is likely to take: whole ones, at least 1. */
export type EstimateGpu = (job: Pick<NewJob, 'template' | 'parameters'>, graph: Graph) => number;

/** Templates with their steps and sizes. */
const KEPT = 1_000;
/** Larger ones are seeds, by which no time differs. */
const MOST_OF_A_PARAMETER = 1_000_000;

/** `mostMs`: of an attempt. */
export function createEstimateGpu(costs: () => NodeCosts, mostMs: number): EstimateGpu {
  let last: NodeCosts | null = null;
  const known = new LRUCache<string, number>({ max: KEPT });

  return ({ template, parameters }, graph) => {
    const now = costs();
    if (now !== last) known.clear();
    last = now;
    const key = template && keyOf(template.hash, parameters);
    const found = key === null ? undefined : known.get(key);
    if (found !== undefined) return found;
    const estimate = now.of(graph);
    const ms = Number.isFinite(estimate) ? Math.min(mostMs, Math.max(1, Math.round(estimate))) : mostMs;
    if (key !== null) known.set(key, ms);
    return ms;
  };
}

/** All that may count: texts and seeds do not, and lists are few. */
function keyOf(hash: string, parameters: NewJob['parameters']): string {
  let key = hash;
  for (const name in parameters) {
    const value = parameters[name];
    if (typeof value === 'number' ? value <= MOST_OF_A_PARAMETER : typeof value === 'boolean')
      key += ` ${name}${value}`;
  }
  return key;
}
