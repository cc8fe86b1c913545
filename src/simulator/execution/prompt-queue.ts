import type { Graph } from '../protocol/graph.ts';
import { createHeap } from '../protocol/heap.ts';

/** A submitted prompt. The first five fields are what `/queue` and history show as a 5-tuple. */
export interface QueueItem {
  number: number;
  promptId: string;
  prompt: Graph;
  extraData: Record<string, unknown>;
  outputs: string[];
  /** Secrets taken out of `extraData`; nodes may see them, clients may not. */
  sensitive: Record<string, unknown>;
}

export type ShownItem = [number, string, Graph, Record<string, unknown>, string[]];

/** A message of a prompt as history keeps it: `[type, data]`. */
export type HistoryMessage = [string, Record<string, unknown>];
/** The lists of a node's ui output, by key. */
export type UiOutput = Record<string, unknown[]>;
export interface NodeMeta {
  node_id: string;
  display_node: string;
  parent_node: null;
  real_node_id: string;
}

export interface HistoryEntry {
  prompt: ShownItem;
  outputs: Record<string, UiOutput>;
  status: { status_str: 'success' | 'error'; completed: boolean; messages: HistoryMessage[] };
  meta: Record<string, NodeMeta>;
}

export type HistoryResult = Omit<HistoryEntry, 'prompt'>;

/** The pending heap, the running prompt and the history. All in memory, as in ComfyUI. */
export interface PromptQueue {
  readonly running: QueueItem | undefined;
  /** In heap array order, which is not the order of execution. */
  readonly pending: readonly QueueItem[];
  readonly history: ReadonlyMap<string, HistoryEntry>;
  /** Priority of the next prompt; advances with refused ones, too. Starts at 0. */
  nextNumber(): number;
  /** Pending and running together. */
  remaining(): number;
  /** @throws RangeError on the same number and id twice; the item is queued all the same, as in ComfyUI. */
  put(item: QueueItem): void;
  /** Makes the next item the running one; undefined if none is pending. */
  take(): QueueItem | undefined;
  /** Moves the running item to history. */
  done(result: HistoryResult): void;
  /** Removes the first pending item with this id. */
  remove(promptId: string): boolean;
  clear(): void;
  deleteHistory(promptId: string): void;
  clearHistory(): void;
  /** Whether reading this entry fails; without an id, whether reading any fails. */
  isPoisoned(promptId?: string): boolean;
  poison(promptId: string): void;
  /** Empties everything without a message, as a restart does. */
  reset(): void;
}

/** Above this the oldest entry is removed before the next is added. */
const maxHistory = 10_000;

export function shown(item: QueueItem): ShownItem {
  return [item.number, item.promptId, item.prompt, item.extraData, item.outputs];
}

/**
 * @param onChange called at every change of the queue, where ComfyUI broadcasts `status`.
 * @param onPut called when an item was put.
 */
export function createPromptQueue(onChange: () => void, onPut: () => void): PromptQueue {
  const heap = createHeap<QueueItem>((a, b) => {
    if (a.number !== b.number) return a.number < b.number;
    if (a.promptId === b.promptId) throw new RangeError('two pending prompts with the same number and id');
    return a.promptId < b.promptId;
  });
  const history = new Map<string, HistoryEntry>();
  const poisoned = new Set<string>();
  let running: QueueItem | undefined;
  let counter = 0;

  const clear = (): void => {
    heap.clear();
    onChange();
  };

  return {
    get running() {
      return running;
    },
    pending: heap.items,
    nextNumber: () => counter++,
    history,
    remaining: () => heap.items.length + (running ? 1 : 0),
    put(item) {
      try {
        heap.push(item);
        onChange();
      } finally {
        onPut();
      }
    },
    take() {
      running = heap.pop();
      if (running) onChange();
      return running;
    },
    done(result) {
      const item = running;
      running = undefined;
      if (!item) return;
      if (history.size > maxHistory) {
        const oldest = history.keys().next();
        if (!oldest.done) history.delete(oldest.value);
      }
      history.set(item.promptId, { prompt: shown(item), ...result });
      onChange();
    },
    remove(promptId) {
      if (!heap.items.some((item) => item.promptId === promptId)) return false;
      if (heap.items.length === 1) clear();
      else heap.remove((item) => item.promptId === promptId);
      onChange();
      return true;
    },
    clear,
    deleteHistory(promptId) {
      history.delete(promptId);
      poisoned.delete(promptId);
    },
    clearHistory() {
      history.clear();
      poisoned.clear();
    },
    isPoisoned: (promptId) => (promptId === undefined ? poisoned.size > 0 : poisoned.has(promptId)),
    poison: (promptId) => void poisoned.add(promptId),
    reset() {
      heap.clear();
      history.clear();
      poisoned.clear();
      running = undefined;
      counter = 0;
    },
  };
}
