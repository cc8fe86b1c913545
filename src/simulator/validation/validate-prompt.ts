import type { ObjectInfo } from '../object-info.ts';
import type { Graph, GraphNode } from '../protocol/graph.ts';
import { isRecord } from '../protocol/json.ts';
import { PythonError, repr, typeName } from '../protocol/python.ts';
import { type NodeError, raisedInside } from './node-errors.ts';
import { createNodeValidator, type FileCheck } from './validate-node.ts';

/** The top-level `error` of a refused prompt. */
export interface PromptError {
  type: string;
  message: string;
  details: string;
  extra_info: Record<string, unknown>;
}

export interface NodeErrorEntry {
  errors: NodeError[];
  dependent_outputs: string[];
  class_type: string;
}

export interface Verdict {
  /** Absent when at least one output is valid. */
  error?: PromptError;
  /** Output nodes that will run. */
  outputs: string[];
  nodeErrors: Record<string, NodeErrorEntry>;
}

/**
 * Validates a prompt as ComfyUI does, in its order, and writes converted values back into it.
 * @param targets `partial_execution_targets`; undefined or null means all outputs.
 * @throws PythonError for what makes the real server answer 500 (a prompt or node that is no object).
 */
export function validatePrompt(
  prompt: unknown,
  targets: readonly unknown[] | null | undefined,
  objectInfo: ObjectInfo,
  fileExists: FileCheck,
): Verdict {
  if (!isRecord(prompt)) throw new PythonError('TypeError', `'${typeName(prompt)}' object is not iterable`);
  // A dict knows no node `constructor` unless it was given one.
  Object.setPrototypeOf(prompt, null);
  const outputs: string[] = [];
  for (const [id, node] of Object.entries(prompt)) {
    const refused = checkClass(id, node, objectInfo);
    if (refused) return { error: refused, outputs: [], nodeErrors: {} };
    const wanted = !targets || targets.includes(id);
    if (wanted && objectInfo.get((node as GraphNode).class_type)?.output_node) outputs.push(id);
  }
  if (outputs.length === 0) {
    const error = { type: 'prompt_no_outputs', message: 'Prompt has no outputs', details: '', extra_info: {} };
    return { error, outputs: [], nodeErrors: {} };
  }
  return validateOutputs(prompt as Graph, outputs, objectInfo, fileExists);
}

function checkClass(id: string, node: unknown, objectInfo: ObjectInfo): PromptError | undefined {
  if (!isRecord(node)) throw new PythonError('AttributeError', `'${typeName(node)}' object has no attribute 'get'`);
  const meta = node._meta ?? {};
  if ('_meta' in node && !isRecord(node._meta)) {
    throw new PythonError('AttributeError', `'${typeName(node._meta)}' object has no attribute 'get'`);
  }
  const title = isRecord(meta) && meta.title !== undefined ? meta.title : null;
  const missing = (message: string, classType: unknown, nodeTitle: unknown): PromptError => ({
    type: 'missing_node_type',
    message,
    details: `Node ID '#${id}'`,
    extra_info: { node_id: id, class_type: classType, node_title: nodeTitle },
  });
  if (!('class_type' in node)) {
    const shown = title || `ID #${id}`;
    return missing(
      `Node '${shown}' has no class_type. The workflow may be corrupted or a custom node is missing.`,
      null,
      title,
    );
  }
  if (typeof node.class_type === 'object' && node.class_type !== null) {
    throw new PythonError('TypeError', `unhashable type: '${typeName(node.class_type)}'`);
  }
  if (typeof node.class_type === 'string' && objectInfo.get(node.class_type)) return undefined;
  const shown = title ?? node.class_type;
  const name = typeof shown === 'string' ? shown : repr(shown);
  return missing(`Node '${name}' not found. The custom node may not be installed.`, node.class_type, shown);
}

function validateOutputs(graph: Graph, outputs: string[], objectInfo: ObjectInfo, fileExists: FileCheck): Verdict {
  const validator = createNodeValidator(graph, objectInfo, fileExists);
  const good: string[] = [];
  const lines: string[] = [];
  const nodeErrors: Record<string, NodeErrorEntry> = Object.create(null);
  for (const output of outputs) {
    let valid = false;
    let reasons: NodeError[];
    try {
      const result = validator.validate(output);
      valid = result.valid;
      reasons = result.errors;
    } catch (error) {
      if (!(error instanceof PythonError)) throw error;
      reasons = [raisedInside(error)];
      validator.results.set(output, { valid: false, errors: reasons });
    }
    if (valid) {
      good.push(output);
      continue;
    }
    lines.push(...reasons.map((reason) => `${reason.message}: ${reason.details}`));
    // Nodes that are invalid only because of one upstream have no errors of their own and are left out.
    for (const [id, result] of validator.results) {
      if (result.valid || result.errors.length === 0) continue;
      nodeErrors[id] ??= { errors: result.errors, dependent_outputs: [], class_type: graph[id]?.class_type ?? '' };
      nodeErrors[id].dependent_outputs.push(output);
    }
  }
  if (good.length > 0) return { outputs: good, nodeErrors };
  const error = {
    type: 'prompt_outputs_failed_validation',
    message: 'Prompt outputs failed validation',
    details: lines.join('\n'),
    extra_info: {},
  };
  return { error, outputs: [], nodeErrors };
}
