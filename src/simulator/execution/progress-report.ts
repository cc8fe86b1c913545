import type { MessageHub, PreviewImage } from '../messages.ts';

/** Publishes the progress of one prompt's nodes as it changes. */
export interface ProgressReport {
  start(id: string): void;
  /** Throttled as in ComfyUI: the first, the last and those with a picture go out, others after 100 ms and 0.5 %. */
  update(id: string, value: number, max: number, image?: PreviewImage): void;
  finish(id: string): void;
}

interface NodeState {
  value: number;
  max: number;
  state: 'running' | 'finished';
}

const minIntervalMs = 100;
const minShare = 0.005;

/** @param extraNodes how many further nodes are reported, as if they had been made at run time. */
export function createProgressReport(
  promptId: string,
  hub: MessageHub,
  now: () => number,
  extraNodes: () => number,
): ProgressReport {
  const nodes = new Map<string, NodeState>();
  let last: { id: string; at: number; value: number } | undefined;

  function publish(): void {
    const shown: Record<string, unknown> = {};
    for (const [id, { value, max, state }] of nodes) {
      shown[id] = { value, max, state, ...identity(id), prompt_id: promptId };
    }
    const [first] = nodes.keys();
    for (let i = 0; i < extraNodes(); i++) {
      const id = `${first}.0.0.${i}`;
      shown[id] = { value: 1, max: 1, state: 'finished', ...identity(id), display_node_id: first, prompt_id: promptId };
    }
    hub.publish('progress_state', { prompt_id: promptId, nodes: shown });
  }

  function due(id: string, value: number, max: number): boolean {
    if (last?.id !== id || value >= max) return true;
    return now() - last.at >= minIntervalMs && Math.abs(value - last.value) >= max * minShare;
  }

  return {
    start(id) {
      nodes.set(id, { value: 0, max: 1, state: 'running' });
      publish();
    },
    update(id, value, max, image) {
      if (!image && !due(id, value, max)) return;
      last = { id, at: now(), value };
      nodes.set(id, { value, max, state: 'running' });
      publish();
      const progress = { value, max, prompt_id: promptId, node: id };
      if (!image) {
        hub.publish('progress', progress);
      } else if (hub.wantsPreviewMetadata()) {
        hub.publishPreview(image, { ...identity(id), prompt_id: promptId, image_type: `image/${image.format}` });
        hub.publish('progress', progress);
      } else {
        hub.publish('progress', progress);
        hub.publishPreview(image, undefined);
      }
    },
    finish(id) {
      const max = nodes.get(id)?.max ?? 1;
      nodes.set(id, { value: max, max, state: 'finished' });
      publish();
    },
  };
}

/** Stock nodes never create nodes at run time, so every node is shown as itself. */
function identity(id: string): Record<string, string | null> {
  return { node_id: id, display_node_id: id, parent_node_id: null, real_node_id: id };
}
