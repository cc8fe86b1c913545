import { LRUCache } from 'lru-cache';
import type { Graph } from '../core/graph.ts';
import type { NewJob } from '../job-record/job-store.ts';

/** A figure of a job that its graph's steps and sizes decide: what it is likely to take, how large its pictures are. */
export type BySize = (job: Pick<NewJob, 'template' | 'parameters'>, graph: Graph) => number;

/** Of one workflow. */
const KEPT = 100;

/** Computes it once for equal steps and sizes of an installed workflow, and each time for any other graph. */
export function createBySize(compute: (graph: Graph) => number): { of: BySize; forget: () => void } {
  let known = new WeakMap<object, LRUCache<string, number>>();

  function figuresOf(template: object) {
    const figures = known.get(template) ?? new LRUCache<string, number>({ max: KEPT });
    known.set(template, figures);
    return figures;
  }

  return {
    forget() {
      known = new WeakMap();
    },
    of({ template, parameters }, graph) {
      if (!template?.sizes) return compute(graph);
      // Short, and without a list, since it is made for each job.
      let sizes = '';
      for (const name of template.sizes) sizes += ` ${parameters[name]}`;
      const figures = figuresOf(template);
      const found = figures.get(sizes);
      if (found !== undefined) return found;
      const figure = compute(graph);
      figures.set(sizes, figure);
      return figure;
    },
  };
}
