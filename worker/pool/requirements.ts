import { type Graph, isModelFile } from '../../src/core/graph.ts';
import type { Submission } from '../../src/core/job.ts';
import type { NodeDefinitions } from '../../src/core/node-definitions.ts';
import type { Plan } from '../../src/core/plan.ts';
import { findGraphIssues, type GraphIssue } from '../../src/core/validate-graph.ts';
import type { Backend } from './backend.ts';

/** What a job asks of a server. */
export interface Requirements {
  /** Whether the server has all that the graph names. One whose node definitions are not known is tried. */
  fits(backend: Backend): boolean;
  /** The model files that its graph names. */
  models: ReadonlySet<string>;
  /** A server that is taken only where no other can be, since the job has failed there. */
  avoid: string | null;
}

export interface RequirementsOptions {
  /** Whether a server will do whose classes of packs do not list what the graph names; default no. */
  unlisted?: boolean;
}

/** To be used at once: each server is validated only once. */
export function requirementsOf(
  plan: Plan,
  avoid: string | null,
  { unlisted = false }: RequirementsOptions = {},
): Requirements {
  const known = new Map<Backend, boolean>();

  function canRun(backend: Backend): boolean {
    const nodeDefinitions = backend.nodeDefinitions();
    return !nodeDefinitions || hasAll(plan, nodeDefinitions, { unlisted });
  }

  return {
    fits(backend) {
      const fits = known.get(backend) ?? canRun(backend);
      known.set(backend, fits);
      return fits;
    },
    models: modelsOf(plan.graph),
    avoid,
  };
}

/** Whether a server with these definitions has all that the plan's graph names and another one may have. */
export function hasAll(plan: Plan, nodeDefinitions: NodeDefinitions, { unlisted = false }: RequirementsOptions = {}) {
  const except = plan.files.flatMap(({ targets }) => targets);
  const issues = findGraphIssues(plan.graph, nodeDefinitions, { except });
  return !issues.some((issue) => (issue.certain ? mayBeElsewhere(issue) : !unlisted && issue.kind === 'choice'));
}

/** Where the latest prompt of a job was that has failed before. */
export function serverToAvoid(failures: number, submission: Submission | null): string | null {
  return failures > 0 ? (submission?.backend ?? null) : null;
}

/**
 * What another server may have: a class of nodes, a model. Any other fault is the graph's own, wherever it runs: the
 * server that gets it refuses it, and says why.
 */
function mayBeElsewhere({ kind, given, options }: GraphIssue): boolean {
  return kind === 'class' || (kind === 'choice' && (isModelFile(given) || options?.some(isModelFile) === true));
}

function modelsOf(graph: Graph): Set<string> {
  const literals = Object.values(graph).flatMap(({ inputs }) => Object.values(inputs));
  return new Set(literals.filter(isModelFile));
}
