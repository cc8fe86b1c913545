import { LRUCache } from 'lru-cache';
import type { Job } from '../../src/core/job.ts';
import { type Plan, planOf } from '../../src/core/plan.ts';
import { parseTemplate, type Template } from '../../src/core/template.ts';
import { JobFailure, jobError } from './failures.ts';

/** The template of this hash; null when it is gone. */
export type LoadTemplate = (hash: string) => Promise<Template | null>;

const KEPT = 64;

/** Reads and checks each template once: what a hash names never changes. Keeps the 64 that were used last. */
export function createTemplateLoader(read: (hash: string) => Promise<string | null>): LoadTemplate {
  const kept = new LRUCache<string, Template>({ max: KEPT });
  return async (hash) => {
    const known = kept.get(hash);
    if (known) return known;
    const text = await read(hash);
    if (text === null) return null;
    const template = parseTemplate(text);
    kept.set(hash, template);
    return template;
  };
}

/** What a job asks for, on the template that it was accepted with. Throws JobFailure INTERNAL. */
export async function loadPlan(job: Job, loadTemplate: LoadTemplate): Promise<Plan> {
  try {
    const template = job.template === null ? null : await loadTemplate(job.template);
    if (job.template === null || template) return planOf(template, job.parameters);
  } catch (cause) {
    throw new JobFailure(jobError('INTERNAL', "The job's graph could not be made"), { cause });
  }
  throw new JobFailure(jobError('INTERNAL', "The job's workflow is gone"));
}
