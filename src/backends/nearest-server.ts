import type { NodeDefinitions } from '../core/node-definitions.ts';
import type { Plan } from '../core/plan.ts';
import { type GraphIssue, validateGraph } from '../core/validate-graph.ts';
import type { BackendNodeDefinitions } from './node-definitions.ts';

export type SeenServer = Pick<BackendNodeDefinitions, 'status' | 'nodeDefinitions'>;

/**
 * The issues of a plan at the server that has the fewest. Among equals a server that is reached comes first. Empty
 * where some server can run the plan.
 */
export function issuesAtNearestServer({ graph, files }: Plan, seen: readonly SeenServer[]): GraphIssue[] {
  const except = files.flatMap(({ targets }) => targets);
  const found = new Map<NodeDefinitions, GraphIssue[]>();
  for (const { nodeDefinitions } of seen) {
    if (!nodeDefinitions || found.has(nodeDefinitions)) continue;
    const issues = validateGraph(graph, nodeDefinitions, { except });
    if (issues.length === 0) return issues;
    found.set(nodeDefinitions, issues);
  }
  const [least] = seen
    .flatMap(({ status, nodeDefinitions }) =>
      nodeDefinitions ? [{ status, issues: found.get(nodeDefinitions) ?? [] }] : [],
    )
    .sort((a, b) => a.issues.length - b.issues.length || Number(a.status === 'DOWN') - Number(b.status === 'DOWN'));
  return least?.issues ?? [];
}
