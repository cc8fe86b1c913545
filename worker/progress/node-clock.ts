import type { Graph } from '../../src/core/graph.ts';
import type { NodeTiming } from '../../src/core/job.ts';
import { graphNode, isTerminalMessage, type PromptMessage } from '../comfyui/messages.ts';

/** Times the nodes of one prompt by its messages. */
export interface NodeClock {
  /** Messages in the order in which they came. */
  onMessage(message: PromptMessage): void;
  /**
   * The nodes whose beginning and end came as messages, and the cached ones, in the order in which they began; 200 at
   * most. Nodes that were made at run time count to the one in the graph that made them. Milliseconds to a tenth.
   */
  timings(): NodeTiming[];
  /** When the nodes that ran began and ended, by the clock's `now`; at most MOST of them. */
  spans(): NodeSpan[];
}

export interface NodeSpan {
  nodeId: string;
  classType: string;
  from: number;
  to: number;
}

interface TimedNode {
  /** When it began to run, while it runs. */
  since: number | null;
  /** Of the times that it ran before. */
  ms: number;
  cached: boolean;
  /** Its first beginning and its last end. */
  from: number;
  to: number;
}

type NodeStates = Extract<PromptMessage, { type: 'progress_state' }>['data']['nodes'];

/** A record takes some 70 bytes for each. */
const MOST = 200;

/** `now`: milliseconds that only grow. */
export function createNodeClock(graph: Graph, now: () => number = () => performance.now()): NodeClock {
  const seen = new Map<string, TimedNode>();
  /** Nodes whose beginning was missed: how long they took is not known. */
  const unknown = new Set<string>();
  /** Whether every node that runs now is known to run. After a reconnect it is not, until the next full report. */
  let synced = false;

  function begin(id: string) {
    if (unknown.has(id)) return;
    const node = seen.get(id);
    if (node && !node.cached) {
      node.since ??= now();
      return;
    }
    seen.delete(id);
    const since = now();
    seen.set(id, { ms: 0, since, cached: false, from: since, to: since });
  }

  function end(id: string) {
    const node = seen.get(id);
    if (!node || node.since === null) return;
    node.to = now();
    node.ms += node.to - node.since;
    node.since = null;
  }

  function forget(id: string) {
    seen.delete(id);
    unknown.add(id);
  }

  /** Each report holds all nodes that have been begun so far. */
  function onNodeStates(states: NodeStates) {
    const running = new Set<string>();
    const finished = new Set<string>();
    for (const [key, { state, display_node_id }] of Object.entries(states)) {
      const id = graphNode(graph, display_node_id ?? key);
      if (id !== null) (state === 'running' ? running : finished).add(id);
    }
    for (const id of running) {
      if (!synced && seen.get(id)?.since == null) forget(id);
      else begin(id);
    }
    for (const id of finished) if (!running.has(id)) end(id);
    synced = true;
  }

  return {
    onMessage(message) {
      switch (message.type) {
        case 'execution_start':
          synced = true;
          return;
        case 'execution_cached':
          for (const id of message.data.nodes) {
            if (Object.hasOwn(graph, id) && !seen.has(id))
              seen.set(id, { ms: 0, since: null, cached: true, from: 0, to: 0 });
          }
          return;
        case 'progress_state':
          return onNodeStates(message.data.nodes);
        case 'reconnected':
          synced = false;
          for (const [id, { since }] of seen) if (since !== null) forget(id);
          return;
        case 'executing':
          if (message.data.node !== null) {
            const id = graphNode(graph, message.data.display_node ?? message.data.node);
            if (id !== null) begin(id);
            return;
          }
      }
      // The one that failed, or was interrupted, has no end of its own.
      if (isTerminalMessage(message)) for (const id of seen.keys()) end(id);
    },
    spans() {
      return [...seen]
        .filter(([, { since, cached }]) => since === null && !cached)
        .slice(0, MOST)
        .map(([nodeId, { from, to }]) => ({ nodeId, classType: graph[nodeId]?.class_type ?? '', from, to }));
    },
    timings() {
      return [...seen]
        .filter(([, { since }]) => since === null)
        .slice(0, MOST)
        .map(([nodeId, { ms, cached }]) => ({
          nodeId,
          classType: graph[nodeId]?.class_type ?? '',
          ms: Math.round(ms * 10) / 10,
          cached,
        }));
    },
  };
}
