import * as z from 'zod';
import {
  artifactSchema,
  type Job,
  type Json,
  jobErrorSchema,
  jobStatuses,
  nodeTimingSchema,
  priorities,
  progressSchema,
} from '../core/job.ts';
import type { FailedJob } from './failed-jobs.ts';
import { unpack } from './packed.ts';

const json = <T extends z.ZodType>(schema: T) =>
  z.string().transform((text, context): z.output<T> => {
    try {
      const parsed = schema.safeParse(JSON.parse(text));
      if (parsed.success) return parsed.data;
      context.issues.push({ code: 'custom', input: text, message: parsed.error.message });
    } catch {
      context.issues.push({ code: 'custom', input: text, message: 'expected JSON' });
    }
    return z.NEVER;
  });
const orNull = <T extends z.ZodType>(schema: T) => z.union([z.literal('').transform(() => null), schema]);
const integer = z.coerce.number().pipe(z.int());

const submissionSchema = z.object({
  number: z.int(),
  backend: z.string(),
  // Records of the first version have none.
  client: z.string().default(''),
});

/** The record: a field for each property, as Redis gives them; '' is null. */
const recordSchema = z.object({
  id: z.string(),
  caller: z.string(),
  status: z.enum(jobStatuses),
  workflow: z.string(),
  template: orNull(z.string()),
  // What was JSON holds nothing else: to look at each value of a large graph would take twenty times as long as to read
  // it.
  parameters: json(z.record(z.string(), z.custom<Json>())),
  priority: z.enum(priorities),
  order: integer,
  tags: json(z.array(z.string())),
  // Records of the first version have neither this nor timings.
  retryOf: orNull(z.string()).default(null),
  progress: json(progressSchema),
  artifacts: json(z.array(artifactSchema)),
  error: orNull(json(jobErrorSchema)),
  timings: json(z.array(nodeTimingSchema)).default([]),
  attempts: integer,
  failures: integer,
  takeovers: integer,
  lease: integer,
  submission: orNull(json(submissionSchema)),
  // Only while it has one.
  ticket: orNull(z.string()).default(null),
  // Older records have none.
  waits: z.stringbool().default(false),
  seq: integer,
  requestId: z.string(),
  // Older records have neither this nor claimedAt.
  traceparent: orNull(z.string()).default(null),
  cancelRequestedAt: orNull(integer),
  createdAt: integer,
  startedAt: orNull(integer),
  claimedAt: orNull(integer).default(null),
  finishedAt: orNull(integer),
  deadlineAt: integer,
  expiresAt: orNull(integer),
}) satisfies z.ZodType<Job>;

/** Of each field by itself: a change has two or three of them, and comes with each step of each job. */
const fieldSchemas: { [name: string]: z.ZodType } = recordSchema.shape;

/** Reads a record; null when there is none. Throws when it is not one of ours. */
export function parseRecord(fields: { [name: string]: string }): Job | null {
  if (Object.keys(fields).length === 0) return null;
  const { packed } = fields;
  return recordSchema.parse(packed === undefined ? fields : { ...fields, parameters: unpack(packed) });
}

const failedSchema = z
  .object({
    ...recordSchema.pick({ id: true, caller: true, workflow: true, attempts: true, retryOf: true, createdAt: true })
      .shape,
    error: json(jobErrorSchema),
    submission: recordSchema.shape.submission,
    finishedAt: integer,
  })
  .transform(({ submission, ...job }): FailedJob => ({ ...job, backend: submission?.backend ?? null }));

/** The fields of a record that `parseFailed` takes, in their order. */
export const failedFields = [
  'id',
  'caller',
  'workflow',
  'attempts',
  'retryOf',
  'createdAt',
  'error',
  'submission',
  'finishedAt',
];

/**
 * Reads what a list shows of a FAILED job; null when there is no record. Parameters and artifacts, which may be large,
 * are not read.
 */
export function parseFailed(values: (string | null)[]): FailedJob | null {
  if (values[0] === null) return null;
  return failedSchema.parse(Object.fromEntries(failedFields.map((name, i) => [name, values[i] ?? undefined])));
}

const artifactsSchema = recordSchema.pick({ caller: true, artifacts: true, expiresAt: true });

/** Reads what `HMGET caller artifacts expiresAt` gives of a record; null when there is none. */
export function parseArtifacts([caller, artifacts, expiresAt]: (string | null)[]) {
  return caller === null ? null : artifactsSchema.parse({ caller, artifacts, expiresAt });
}

/** The job with the fields that an event says have changed. What is not known here is left out. */
export function applyChange(job: Job, fields: { [name: string]: string }): Job {
  const changed: { [name: string]: unknown } = {};
  for (const [name, value] of Object.entries(fields)) {
    if (Object.hasOwn(fieldSchemas, name)) changed[name] = fieldSchemas[name]?.parse(value);
  }
  return Object.assign({ ...job }, changed);
}

/** The opposite of `parseRecord`, for fields that Redis does not set itself. */
export function formatFields(job: Partial<Job>): string[] {
  return Object.entries(job).flatMap(([name, value]) => [
    name,
    value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
}

/** HGETALL's answer as a script gives it: names and values in turn. */
export function fieldsOf(flat: string[]): { [name: string]: string } {
  const fields: { [name: string]: string } = {};
  for (let i = 0; i < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? '';
  return fields;
}
