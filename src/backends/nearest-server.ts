import type { NodeCatalogue } from '../core/node-catalogue.ts';
import type { Plan } from '../core/plan.ts';
import { validateGraph, type GraphIssue } from '../core/validate-graph.ts';
import type { BackendCatalogue } from './catalogues.ts';

/** What the server that lacks least lacks for a plan; of those that lack as little, one that is reached. [] where one can run it. */
export function issuesAtNearestServer({ graph, files }: Plan, seen: readonly BackendCatalogue[]): GraphIssue[] {
  const except = files.flatMap(({ targets }) => targets);
  const found = new Map<NodeCatalogue, GraphIssue[]>();
  for (const { catalogue } of seen) {
    if (!catalogue || found.has(catalogue)) continue;
    const lacks = validateGraph(graph, catalogue, { except });
    if (lacks.length === 0) return lacks;
    found.set(catalogue, lacks);
  }
  const [least] = seen
    .flatMap(({ status, catalogue }) => (catalogue ? [{ status, lacks: found.get(catalogue) ?? [] }] : []))
    .sort((a, b) => a.lacks.length - b.lacks.length || Number(a.status === 'DOWN') - Number(b.status === 'DOWN'));
  return least?.lacks ?? [];
}
