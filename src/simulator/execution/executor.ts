import type { MessageHub } from '../messages.ts';
import type { NodeInfo } from '../object-info.ts';
import { PythonError } from '../protocol/python.ts';
import { createExecutionList } from './execution-list.ts';
import { describeInputs, type NodeFailure, runNode } from './node-runner.ts';
import type { ExecutorParts } from './parts.ts';
import { createProgressReport } from './progress-report.ts';
import type { HistoryMessage, HistoryResult, NodeMeta, QueueItem, UiOutput } from './prompt-queue.ts';
import type { NodeResult } from './result-cache.ts';

const ONE_PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** Runs one prompt from `execution_start` to its end, and returns what history keeps of it. */
export async function executePrompt(item: QueueItem, parts: ExecutorParts): Promise<HistoryResult> {
  const { cache, objectInfo, faults, hub, now, pace } = parts;
  const { prompt, promptId } = item;
  const messages: HistoryMessage[] = [];
  const shown = new Map<string, { output: UiOutput; meta: NodeMeta }>();
  const executed: string[] = [];

  function send(type: string, data: Record<string, unknown>, toAll = false): void {
    const message = { ...data, timestamp: now() };
    messages.push([type, message]);
    if (toAll) hub.publish(type, message);
    else hub.direct(type, message);
  }

  pace.clearInterrupt();
  const client = item.extraData.client_id;
  hub.client = client === undefined || client === null ? undefined : String(client);
  send('execution_start', { prompt_id: promptId });
  cache.begin(prompt);
  const cached = Object.keys(prompt).filter((id) => cache.get(id));
  send('execution_cached', { nodes: cached, prompt_id: promptId });
  const progress = createProgressReport(promptId, hub, now, () => faults.current.extraNodes);
  const list = createExecutionList(prompt, item.outputs, (id) => cache.get(id) !== undefined, objectInfo);

  function showCached(id: string, result: NodeResult): void {
    if (result.ui) shown.set(id, result.ui);
    const output = result.ui?.output ?? null;
    hub.direct('executed', { node: id, display_node: id, output, prompt_id: promptId });
    progress.finish(id);
  }

  async function run(id: string): Promise<NodeFailure | undefined> {
    const node = prompt[id];
    const info: NodeInfo | undefined = node && objectInfo.get(node.class_type);
    if (!node || !info) throw new Error(`prompt ${promptId} has no runnable node ${id}`);
    progress.start(id);
    hub.currentNode = id;
    if (faults.current.foreignMessages) sendForeignMessages(hub);
    if (executed.length === 0) parts.onFirstNode();
    hub.direct('executing', { node: id, display_node: id, prompt_id: promptId });
    const outcome = await runNode(id, node, info, item, { ...parts, progress });
    if ('failure' in outcome) return outcome.failure;
    const { result } = outcome;
    cache.set(id, result);
    if (result.ui) {
      shown.set(id, result.ui);
      hub.direct('executed', { node: id, display_node: id, output: result.ui.output, prompt_id: promptId });
    }
    progress.finish(id);
    executed.push(id);
    parts.onNodeRun(id);
    return undefined;
  }

  let failure: NodeFailure | undefined;
  for (let id = list.next(); id !== undefined && !failure; id = failure ? undefined : list.next()) {
    const known = cache.get(id);
    if (known) showCached(id, known);
    else failure = await run(id);
    if (!failure) list.complete(id);
  }
  const cycle = !failure && faults.current.lateCycle ? lateCycle(item) : undefined;
  if (!failure && faults.current.blockedInput) hub.publish('execution_error', blockedInput(item, executed));
  if (cycle) send('execution_error', errorMessage(item, cycle, executed));
  else if (!failure) send('execution_success', { prompt_id: promptId });
  else if (failure.interrupted) send('execution_interrupted', interruption(item, failure, executed), true);
  else send('execution_error', errorMessage(item, failure, executed));
  hub.currentNode = undefined;

  const kept = faults.current.noOutputs ? [] : [...shown];
  return {
    outputs: Object.fromEntries(kept.map(([id, ui]) => [id, ui.output])),
    status: { status_str: failure ? 'error' : 'success', completed: !failure, messages },
    meta: Object.fromEntries(kept.map(([id, ui]) => [id, ui.meta])),
  };
}

function interruption(item: QueueItem, failure: NodeFailure, executed: string[]): Record<string, unknown> {
  return {
    prompt_id: item.promptId,
    node_id: failure.nodeId,
    node_type: item.prompt[failure.nodeId]?.class_type,
    executed,
  };
}

function errorMessage(item: QueueItem, failure: NodeFailure, executed: string[]): Record<string, unknown> {
  return {
    ...interruption(item, failure, executed),
    exception_message: `${failure.error.message}\n${failure.error.tips}`,
    exception_type: failure.error.type,
    traceback: ['<traceback>\n'],
    current_inputs: describeInputs(failure.inputs),
    current_outputs: Object.keys(item.prompt),
  };
}

/** Of nodes that were made at run time. History calls the prompt a success all the same. */
function lateCycle(item: QueueItem): NodeFailure {
  const error = new PythonError('comfy_execution.graph.DependencyCycleError', 'Dependency cycle detected');
  return { nodeId: item.outputs[0] ?? '', interrupted: false, error, inputs: {} };
}

/** Has the type of a prompt's end without being one, and is not in history. */
function blockedInput(item: QueueItem, executed: string[]): Record<string, unknown> {
  const [nodeId = ''] = item.outputs;
  return {
    prompt_id: item.promptId,
    node_id: nodeId,
    node_type: item.prompt[nodeId]?.class_type,
    executed,
    exception_message: 'Execution Blocked: simulated',
    exception_type: 'ExecutionBlocked',
    traceback: [],
    current_inputs: {},
    current_outputs: [],
  };
}

/** What custom nodes and other people's prompts put on a shared server's sockets. */
function sendForeignMessages(hub: MessageHub): void {
  const promptId = '00000000-0000-4000-8000-000000000000';
  hub.broadcast('custom.unknown', { value: [1, { deep: true }] });
  hub.broadcast('progress', { value: 3, max: 7, prompt_id: promptId, node: '1' });
  hub.broadcast('executing', { node: null, prompt_id: promptId });
  hub.broadcast('execution_success', { prompt_id: promptId, timestamp: 0 });
  hub.publishText('1', 'text of another prompt');
  const metadata = { node_id: '1', prompt_id: promptId, display_node_id: '1', image_type: 'image/png' };
  if (hub.wantsPreviewMetadata()) hub.publishPreview({ format: 'png', bytes: ONE_PIXEL }, metadata);
}
