import type { Json } from '../../src/core/job.ts';
import { type HistoryEntry, textField } from './history.ts';
import { EXECUTION_BLOCKED, type PromptMessage } from './messages.ts';

/** The exception of a node, in the node's own words: to be scrubbed before anybody sees them. */
export interface NodeFailure {
  nodeId: string | null;
  classType: string | null;
  exceptionType: string;
  text: string;
}

/** The type of an exception that ComfyUI does not name. */
export const UNKNOWN_EXCEPTION = 'unknown';

/** Where a prompt was when it was stopped: the node in the submitted graph, where ComfyUI names it. */
export type Interruption = Pick<NodeFailure, 'nodeId' | 'classType'>;

/** How a prompt ended. `interrupted`: a node stopped the run, or somebody did at the server. */
export type PromptOutcome =
  | { outcome: 'success' }
  | { outcome: 'interrupted'; at: Interruption }
  | { outcome: 'failed'; failure: NodeFailure };

/**
 * The messages decide, not the flag: a cycle that arises while running gives `status_str` success with an
 * execution_error. A blocked input is no failure.
 */
export function readOutcome(entry: HistoryEntry): PromptOutcome {
  for (const [type, data] of (entry.status?.messages ?? []).toReversed()) {
    if (type === 'execution_interrupted') return { outcome: 'interrupted', at: readPlace(data) };
    if (type !== 'execution_error') continue;
    const failure = readFailure(data);
    if (failure.exceptionType !== EXECUTION_BLOCKED) return { outcome: 'failed', failure };
  }
  if (entry.status && (entry.status.completed || entry.status.status_str === 'success')) return { outcome: 'success' };
  return { outcome: 'failed', failure: readFailure({}) };
}

/** What a node that blocked the input of another said of it; null for any other message. */
export function readBlocked(message: PromptMessage): NodeFailure | null {
  if (message.type !== 'execution_error' || message.data.exception_type !== EXECUTION_BLOCKED) return null;
  const { node_id, node_type, exception_type, exception_message } = message.data;
  return {
    nodeId: node_id?.slice(0, 255) ?? null,
    classType: node_type?.slice(0, 255) ?? null,
    exceptionType: exception_type,
    text: exception_message ?? '',
  };
}

function readFailure(data: { [key: string]: Json }): NodeFailure {
  return {
    ...readPlace(data),
    exceptionType: textField(data, 'exception_type', 255) ?? UNKNOWN_EXCEPTION,
    text: textField(data, 'exception_message') ?? '',
  };
}

function readPlace(data: { [key: string]: Json }): Interruption {
  return { nodeId: textField(data, 'node_id', 255), classType: textField(data, 'node_type', 255) };
}
