import type { Graph } from '../../core/graph.ts';
import type { NodeDefinitions } from '../../core/node-definitions.ts';
import { isObject } from '../../core/objects.ts';
import { graphLimits } from '../bounded-copy.ts';
import { type AppMode, readAppMode } from './app-mode.ts';
import { findUnknown } from './find-unknown.ts';
import { createConversion } from './scope.ts';
import { createSubgraphs } from './subgraphs.ts';
import { readWorkflowFile } from './workflow-file.ts';
import { writeGraph } from './write-graph.ts';

/** `notes` and `faults` are whole sentences for a person; those of a node name it and its class. */
export type ConvertedWorkflow =
  | { ok: true; graph: Graph; notes: string[]; app: AppMode | null }
  | { ok: false; faults: string[] };

/** Whether a JSON value is a workflow in the format in which ComfyUI's editor saves it. */
export function isEditorWorkflow(value: unknown): boolean {
  return isObject(value) && Array.isArray(value.nodes);
}

/**
 * The graph that ComfyUI's editor would export of a workflow that it has saved, by the classes of a server. `file` is
 * read by `parseExactJson`. Never throws, and the graph has at most `graphLimits.nodes` nodes.
 */
export function convertWorkflow(file: unknown, nodeDefinitions: NodeDefinitions): ConvertedWorkflow {
  const workflow = readWorkflowFile(file);
  if (typeof workflow === 'string') return { ok: false, faults: [workflow] };
  if (workflow.subgraphs.size > graphLimits.nodes) {
    return { ok: false, faults: [`It defines more than ${graphLimits.nodes} subgraphs.`] };
  }
  const unknown = findUnknown(workflow, nodeDefinitions);
  if (unknown.length > 0) return { ok: false, faults: unknown };
  const { conversion, faults, notes } = createConversion(workflow, nodeDefinitions);
  const subgraphs = createSubgraphs(conversion);
  const written = writeGraph(conversion, subgraphs);
  if (written.nodes.size > graphLimits.nodes) conversion.fault(`It has more than ${graphLimits.nodes} nodes.`);
  else if (written.nodes.size === 0) conversion.fault('It has no node that runs: all are switched off, or notes.');
  if (faults.size > 0) return { ok: false, faults: [...faults] };
  const app = readAppMode(conversion, subgraphs, written);
  return { ok: true, graph: Object.fromEntries(written.nodes), notes: [...notes], app };
}
