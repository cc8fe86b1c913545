import type { NodeCatalogue } from '../core/node-catalogue.ts';
import type { Plan } from '../core/plan.ts';
import { type GraphIssue, validateGraph } from '../core/validate-graph.ts';
import type { BackendCatalogue } from './catalogues.ts';

/** The issues of a plan at the server that has the fewest; of several, one that is reached. Empty where a server can run it. */
export function issuesAtNearestServer({ graph, files }: Plan, seen: readonly BackendCatalogue[]): GraphIssue[] {
  const except = files.flatMap(({ targets }) => targets);
  const found = new Map<NodeCatalogue, GraphIssue[]>();
  for (const { catalogue } of seen) {
    if (!catalogue || found.has(catalogue)) continue;
    const issues = validateGraph(graph, catalogue, { except });
    if (issues.length === 0) return issues;
    found.set(catalogue, issues);
  }
  const [least] = seen
    .flatMap(({ status, catalogue }) => (catalogue ? [{ status, issues: found.get(catalogue) ?? [] }] : []))
    .sort((a, b) => a.issues.length - b.issues.length || Number(a.status === 'DOWN') - Number(b.status === 'DOWN'));
  return least?.issues ?? [];
}
