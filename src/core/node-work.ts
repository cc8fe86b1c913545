import type { Graph, GraphNode } from './graph.ts';

/**
 * How long a node is likely to take while nobody has measured its class at that server, in steps of a sampler: one step
 * is one pass through the diffusion model, which nearly all of a run consists of. Only the proportions count, and rough
 * ones are enough, since each run that succeeds replaces them by measured times.
 */
export type NodeWork = (id: string) => number;

/** What a node is known by, the first that fits: words of its class that packs share, or an input that it is given. */
const KINDS: readonly { fits: (className: string, isGiven: (input: string) => boolean) => boolean; steps: number }[] = [
  // Reads some gigabytes of a model, mostly from the page cache or kept by ComfyUI from the run before.
  { fits: (name) => /loader/i.test(name), steps: 2 },
  // Every pixel of a picture four times as large, in tiles.
  { fits: (_, isGiven) => isGiven('upscale_model'), steps: 10 },
  // Dozens of frames, compressed or decompressed by the CPU.
  { fits: (name) => /(?:save|load).*video|video.*combine/i.test(name), steps: 5 },
  // One pass through a model that is smaller than the diffusion model, but works on pixels, not on latents.
  { fits: (_, isGiven) => isGiven('vae'), steps: 2 },
  // One pass of some dozen tokens.
  { fits: (_, isGiven) => isGiven('clip'), steps: 0.5 },
  // The CPU compresses a picture.
  { fits: (name) => /save|preview/i.test(name), steps: 0.5 },
];
/** Numbers, sizes, settings of a model: what is not known by anything above is over at once. */
const OTHER = 0.1;
/** Where a sampler's steps cannot be told: ComfyUI's own default. */
const USUAL_STEPS = 20;
/** ComfyUI's own bound of a sampler's steps. What a class does not declare, a caller may put there in any size. */
const MOST_STEPS = 10_000;
/** A circle of links, which ComfyUI refuses, must not hold us up. */
const MOST_HOPS = 10;

/** A sampler is what has steps, or is given a schedule of them as `sigmas`. Who makes the schedule only computes it. */
export function nodeWork(graph: Graph): NodeWork {
  const schedules = new Set(Object.values(graph).flatMap(({ inputs }) => linkOf(inputs.sigmas) ?? []));

  /** Links may lead nowhere, also to the name of what every object has. */
  const nodeOf = (id: string): Pick<GraphNode, 'class_type' | 'inputs'> =>
    (Object.hasOwn(graph, id) && graph[id]) || { class_type: '', inputs: {} };

  function samplerSteps(id: string): number | null {
    const { inputs } = nodeOf(id);
    const isScheduled = linkOf(inputs.sigmas) !== null;
    if (schedules.has(id) || (inputs.steps === undefined && !isScheduled)) return null;
    const steps = isScheduled ? scheduledSteps(inputs.sigmas) : stepsIn(inputs.steps);
    const { start_at_step: from, end_at_step: to } = inputs;
    const first = typeof from === 'number' ? Math.max(0, from) : 0;
    const last = typeof to === 'number' ? Math.min(to, steps) : steps;
    return Math.max(1, last - first);
  }

  /** Of the schedule's maker, which may lie behind nodes that cut it. */
  function scheduledSteps(sigmas: unknown): number {
    let id = linkOf(sigmas);
    for (let hops = 0; id !== null && hops < MOST_HOPS; hops++) {
      const { steps, sigmas: earlier } = nodeOf(id).inputs;
      if (steps !== undefined) return stepsIn(steps);
      id = linkOf(earlier);
    }
    return USUAL_STEPS;
  }

  /** Itself, or the one number that a node is given whose result it is. */
  function stepsIn(value: unknown): number {
    let given = value;
    for (let hops = 0; hops < MOST_HOPS; hops++) {
      if (typeof given === 'number') return given >= 1 ? Math.min(given, MOST_STEPS) : 1;
      const values = Object.values(nodeOf(linkOf(given) ?? '').inputs);
      if (values.length !== 1) break;
      given = values[0];
    }
    return USUAL_STEPS;
  }

  return (id) => {
    const { class_type: className, inputs } = nodeOf(id);
    const isGiven = (input: string) => linkOf(inputs[input]) !== null;
    return samplerSteps(id) ?? KINDS.find(({ fits }) => fits(className, isGiven))?.steps ?? OTHER;
  };
}

/** The node that an input is linked to; null where it is none, but a value. */
export function linkOf(value: unknown): string | null {
  return Array.isArray(value) && value.length === 2 && typeof value[1] === 'number' ? String(value[0]) : null;
}
