import { randomInt } from 'node:crypto';
import { formatInput } from '../nodes/describe.ts';
import type { NodeCall, NodeOutcome } from '../nodes/node-call.ts';
import { nodeRun } from '../nodes/registry.ts';
import type { NodeInfo } from '../object-info.ts';
import { type Graph, type GraphNode, isLink } from '../protocol/graph.ts';
import { isRecord } from '../protocol/json.ts';
import { PythonError } from '../protocol/python.ts';
import { unresolvedChoices } from '../validation/declared-inputs.ts';
import { Interrupted } from './pace.ts';
import type { ExecutorParts } from './parts.ts';
import type { ProgressReport } from './progress-report.ts';
import type { QueueItem, UiOutput } from './prompt-queue.ts';
import type { NodeResult } from './result-cache.ts';

export interface NodeFailure {
  nodeId: string;
  interrupted: boolean;
  error: PythonError;
  /** Lists of values by input, as the node got them. */
  inputs: Record<string, unknown[]>;
}

export type NodeRunnerParts = ExecutorParts & { progress: ProgressReport };

const outOfMemoryTips =
  'This error means you ran out of memory on your GPU.\n\n' +
  'TIPS: If the workflow worked before you might have accidentally set the batch_size to a large number.';

/** Runs a node: once, or once for each element when an input is a list of values. */
export async function runNode(
  id: string,
  node: GraphNode,
  info: NodeInfo,
  item: QueueItem,
  parts: NodeRunnerParts,
): Promise<{ result: NodeResult } | { failure: NodeFailure }> {
  const inputs = gatherInputs(node, parts);
  try {
    await parts.pace.check([id, node.class_type]);
    raiseFault(id, node.class_type, parts);
    const [choice] = unresolvedChoices(info, node.inputs);
    if (choice)
      throw new PythonError(
        'TypeError',
        `${node.class_type}.execute() missing 1 required positional argument: '${choice}'`,
      );
    const outcomes: NodeOutcome[] = [];
    for (const values of callValues(inputs, info.is_input_list)) {
      const call = createCall(id, node, values, item, parts);
      const run = parts.packs[node.class_type]?.run ?? nodeRun(node.class_type, info);
      outcomes.push(await run(call));
    }
    return { result: merged(id, info, outcomes, parts) };
  } catch (error) {
    if (error instanceof Interrupted) {
      return { failure: { nodeId: id, interrupted: true, error: new PythonError('', ''), inputs } };
    }
    if (error instanceof PythonError) return { failure: { nodeId: id, interrupted: false, error, inputs } };
    if (parts.pace.isClosing()) throw error;
    // A bug of the simulator is reported, and fails this prompt only.
    parts.report(error);
    const bug = new PythonError('SimulatorError', error instanceof Error ? error.message : String(error));
    return { failure: { nodeId: id, interrupted: false, error: bug, inputs } };
  }
}

/** Inputs of a node that failed, as `current_inputs` shows them. */
export function describeInputs(inputs: Record<string, unknown[]>): Record<string, unknown[]> {
  return Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, values.map(formatInput)]));
}

function gatherInputs(node: GraphNode, parts: NodeRunnerParts): Record<string, unknown[]> {
  const entries = Object.entries(node.inputs).map(([name, value]): [string, unknown[]] => {
    if (!isLink(value)) return [name, [value]];
    // A negative index counts from the end, as in Python.
    return [name, parts.cache.get(value[0])?.outputs.at(value[1]) ?? [null]];
  });
  return Object.fromEntries(entries);
}

/** The inputs of each call: whole lists for a class that takes lists, else an element of each, the last repeated. */
function callValues(inputs: Record<string, unknown[]>, takesLists: boolean): Array<Record<string, unknown>> {
  if (takesLists) return [inputs];
  const lists = Object.values(inputs);
  if (lists.some((list) => list.length === 0)) return [];
  const calls = Math.max(1, ...lists.map((list) => list.length));
  return Array.from({ length: calls }, (_, index) =>
    Object.fromEntries(Object.entries(inputs).map(([name, list]) => [name, list[Math.min(index, list.length - 1)]])),
  );
}

function createCall(
  id: string,
  node: GraphNode,
  inputs: Record<string, unknown>,
  item: QueueItem,
  parts: NodeRunnerParts,
): NodeCall {
  const { files, hub, now, pace, progress } = parts;
  const extra = item.extraData.extra_pnginfo;
  const { api_key_comfy_org: apiKey } = item.sensitive;
  const place = [id, node.class_type];
  return {
    id,
    classType: node.class_type,
    inputs,
    linkTypes: linkTypes(node, item.prompt, parts),
    prompt: item.prompt,
    extraPnginfo: isRecord(extra) ? extra : {},
    apiKey: typeof apiKey === 'string' ? apiKey : null,
    previewMethod: typeof item.extraData.preview_method === 'string' ? item.extraData.preview_method : '',
    files: parts.faults.current.reuseNames ? { ...files, nextCounter: () => 1 } : files,
    now: () => new Date(now()),
    letters: Array.from({ length: 5 }, () => 'abcdefghijklmnopqrstuvwxyz'[randomInt(26)]).join(''),
    work: (ms) => pace.work(ms),
    async step(ms, value, max, image) {
      await pace.work(ms);
      await pace.check(place);
      progress.update(id, value, max, await image);
    },
    sendText: (text) => hub.publishText(id, text),
  };
}

function linkTypes(node: GraphNode, graph: Graph, parts: NodeRunnerParts): Record<string, string> {
  const entries = Object.entries(node.inputs).flatMap(([name, value]) => {
    if (!isLink(value)) return [];
    const type = parts.objectInfo.get(graph[value[0]]?.class_type ?? '')?.output[value[1]];
    return type === undefined ? [] : [[name, type]];
  });
  return Object.fromEntries(entries);
}

/** Joins the calls: a list per output, ui lists key by key; the keys of the first call decide. */
function merged(id: string, info: NodeInfo, outcomes: NodeOutcome[], parts: NodeRunnerParts): NodeResult {
  const outputs = info.output.map((_, slot) =>
    outcomes.flatMap(({ outputs: values = [] }) => {
      const value = values[slot];
      return info.output_is_list[slot] && Array.isArray(value) ? value : [value];
    }),
  );
  const shown = outcomes.flatMap(({ ui }) => (ui ? [ui] : []));
  const [first] = shown;
  if (!first) return { outputs };
  const output: UiOutput = {};
  for (const key of Object.keys(first)) output[key] = shown.flatMap((ui) => ui[key] ?? []);
  if (parts.faults.current.missingFiles) removeFiles(output, parts);
  const meta = { node_id: id, display_node: id, parent_node: null, real_node_id: id };
  return { outputs, ui: { output, meta } };
}

function removeFiles(output: UiOutput, { files }: NodeRunnerParts): void {
  for (const shown of Object.values(output).flat()) {
    if (!isRecord(shown) || typeof shown.filename !== 'string') continue;
    const path = shown.subfolder ? `${shown.subfolder}/${shown.filename}` : shown.filename;
    files.remove(shown.type === 'temp' ? 'temp' : 'output', path);
  }
}

function raiseFault(id: string, classType: string, { faults }: NodeRunnerParts): void {
  const fault = faults.current.nodeError;
  if (!fault || (fault.node !== undefined && fault.node !== id && fault.node !== classType)) return;
  if (fault.times !== undefined) {
    if (fault.times === 0) return;
    faults.current.nodeError = { ...fault, times: fault.times - 1 };
  }
  if (fault.kind === 'interrupt') throw new Interrupted();
  if (fault.kind === 'exception') throw new PythonError('Exception', fault.message ?? 'a simulated failure');
  const message = fault.message ?? 'Allocation on device 0 would exceed allowed memory. (out of memory)';
  throw new PythonError('torch.OutOfMemoryError', message, outOfMemoryTips);
}
