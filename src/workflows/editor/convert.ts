import type { Graph } from '../../core/graph.ts';
import type { NodeDefinitions } from '../../core/node-definitions.ts';
import { isObject } from '../../core/objects.ts';
import type { AppMode } from './app-mode.ts';

/** `notes` and `faults` are whole sentences for a person, which name the node and its class. */
export type ConvertedWorkflow =
  | { ok: true; graph: Graph; notes: string[]; app: AppMode | null }
  | { ok: false; faults: string[] };

/** Whether a JSON value is a workflow in the format in which ComfyUI's editor saves it. */
export function isEditorWorkflow(value: unknown): boolean {
  return isObject(value) && Array.isArray(value.nodes);
}

/** The graph that ComfyUI's editor would export of a workflow that it has saved. Never throws. */
export function convertWorkflow(file: unknown, _nodeDefinitions: NodeDefinitions): ConvertedWorkflow {
  if (!isEditorWorkflow(file)) return { ok: false, faults: ["The file is not in the format of ComfyUI's editor."] };
  return { ok: false, faults: ["Workflows in the editor's format are not converted yet."] };
}
