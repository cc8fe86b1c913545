import { type Graph, graphSchema } from '../src/core/graph.ts';
import type { Job } from '../src/core/job.ts';
import { bindTemplate, type Template, templateSchema } from '../src/core/template.ts';
import { JobFailure, jobError } from './failures.ts';

/** The template of this hash; null when it is gone. */
export type LoadTemplate = (hash: string) => Promise<Template | null>;

const KEPT = 64;

/** Reads and checks each template once: what a hash names never changes. Keeps the 64 that were used last. */
export function createTemplateLoader(read: (hash: string) => Promise<string | null>): LoadTemplate {
  const kept = new Map<string, Template>();
  return async (hash) => {
    const known = kept.get(hash);
    kept.delete(hash);
    const text = known ? null : await read(hash);
    const template = known ?? (text === null ? null : templateSchema.parse(JSON.parse(text)));
    if (template) kept.set(hash, template);
    const [oldest] = kept.keys();
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
    return template;
  };
}

/** The graph that a job asks for: its template with the parameters put in, or the caller's own. Throws JobFailure INTERNAL. */
export async function loadGraph(job: Job, loadTemplate: LoadTemplate): Promise<Graph> {
  try {
    if (job.template === null) return graphSchema.parse(job.parameters.graph);
    const template = await loadTemplate(job.template);
    if (template) return bindTemplate(template, job.parameters);
  } catch (cause) {
    throw new JobFailure(jobError('INTERNAL', "The job's graph could not be made"), { cause });
  }
  throw new JobFailure(jobError('INTERNAL', "The job's workflow is gone"));
}
