import type { NodeInfo } from '../object-info.ts';
import { imageNodes } from './image-nodes.ts';
import { imageOutputNodes } from './image-output-nodes.ts';
import { loaderNodes } from './loader-nodes.ts';
import { maskNodes } from './mask-nodes.ts';
import { mediaNodes } from './media-nodes.ts';
import { genericOutput, modelNodes } from './model-nodes.ts';
import type { NodeRun } from './node-call.ts';
import { samplingNodes } from './sampling-nodes.ts';
import { textNodes } from './text-nodes.ts';

const implemented: Record<string, NodeRun> = {
  ...textNodes,
  ...modelNodes,
  ...maskNodes,
  ...imageNodes,
  ...samplingNodes,
  ...loaderNodes,
  ...mediaNodes,
  ...imageOutputNodes,
};

/** What runs a class: its own implementation, else one that goes by the types of its outputs. */
export function nodeRun(classType: string, info: NodeInfo): NodeRun {
  const run = implemented[classType];
  if (run) return run;
  return (call) => ({ outputs: info.output.map((type) => genericOutput(type, classType, call.inputs)) });
}
