import type { NodeRun } from './node-call.ts';

/** Node classes of sound, video, latents and text files. */
export const mediaNodes: Record<string, NodeRun> = {};
