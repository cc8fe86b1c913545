import { LRUCache } from 'lru-cache';
import type { Job, JobError } from '../../src/core/job.ts';
import { type Plan, planOf } from '../../src/core/plan.ts';
import { parseTemplate, type Template } from '../../src/core/template.ts';
import { jobError } from '../attempt/failures.ts';

/** The template of this hash; null when it is gone. Throws InvalidTemplateError, and whatever reading it throws. */
export type LoadTemplate = (hash: string) => Promise<Template | null>;

/** What is stored under a hash is no template: reading it again gives the same. */
class InvalidTemplateError extends Error {
  override readonly name = 'InvalidTemplateError';
}

/** Reads and checks each template once: what a hash names never changes. Keeps the 64 that were used last. */
export function createTemplateLoader(read: (hash: string) => Promise<string | null>): LoadTemplate {
  const kept = new LRUCache<string, Template>({ max: 64 });
  return async (hash) => {
    const known = kept.get(hash);
    if (known) return known;
    const text = await read(hash);
    if (text === null) return null;
    const template = checked(text);
    kept.set(hash, template);
    return template;
  };
}

export type LoadedPlan = { outcome: 'loaded'; plan: Plan } | { outcome: 'failed'; error: JobError; cause?: unknown };

/**
 * What a job asks for, on the template that it was accepted with. Fails with INTERNAL where there can be no plan.
 * Throws when the template could not be read: that says nothing about the job, which must be delivered again.
 */
export async function loadPlan(job: Job, loadTemplate: LoadTemplate): Promise<LoadedPlan> {
  let template: Template | null = null;
  try {
    if (job.template !== null) template = await loadTemplate(job.template);
  } catch (cause) {
    if (!(cause instanceof InvalidTemplateError)) throw cause;
    return { outcome: 'failed', error: jobError('INTERNAL', "The job's graph could not be made"), cause };
  }
  if (job.template !== null && template === null) {
    return { outcome: 'failed', error: jobError('INTERNAL', "The job's workflow is gone") };
  }
  try {
    return { outcome: 'loaded', plan: planOf(template, job.parameters) };
  } catch (cause) {
    return { outcome: 'failed', error: jobError('INTERNAL', "The job's graph could not be made"), cause };
  }
}

function checked(text: string): Template {
  try {
    return parseTemplate(text);
  } catch (cause) {
    throw new InvalidTemplateError('what is stored is no template', { cause });
  }
}
