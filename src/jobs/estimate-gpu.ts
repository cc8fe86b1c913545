import type { NodeCosts } from '../backends/node-costs.ts';
import { type BySize, createBySize } from './by-size.ts';

/** Milliseconds of a server that a job is likely to take: whole ones, at least 1. */
export type EstimateGpu = BySize;

/** `mostMs`: of an attempt. */
export function createEstimateGpu(costs: () => NodeCosts, mostMs: number): EstimateGpu {
  let last = costs();
  const estimates = createBySize((graph) => {
    const ms = last.of(graph);
    return Number.isFinite(ms) ? Math.min(mostMs, Math.max(1, Math.round(ms))) : mostMs;
  });

  return (job, graph) => {
    const now = costs();
    if (now !== last) estimates.forget();
    last = now;
    return estimates.of(job, graph);
  };
}
