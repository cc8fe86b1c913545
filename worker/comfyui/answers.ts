import * as z from 'zod';
import { nodeReplacementsSchema } from '../../src/core/node-replacements.ts';
import { objectInfoBefore08Schema, objectInfoSchema } from '../../src/core/object-info.ts';
import { historySchema } from './history.ts';
import { parseBoundedJson } from './json.ts';
import { nodeErrorsSchema, refusalSchema } from './rejection.ts';

/** Of what a few fields are read. */
const SMALL_BYTES = 1024 * 1024;
/** Of what holds whole graphs, each of up to 1 MiB (`MAX_BODY_BYTES`), and texts that nodes made. */
const LARGE_BYTES = 16 * 1024 * 1024;
/** Of all classes: those of a ComfyUI with hundreds of custom nodes have 10 MB. */
const CLASSES_BYTES = 32 * 1024 * 1024;

const REFUSAL_BYTES = 32 * 1024 * 1024;

/** Ours has 36 characters; other clients' may have any number. That of a prompt that does not end is told to others. */
const promptId = z.string().transform((id) => id.slice(0, 255));

/** Of an item of the queue its id alone: the others are the whole prompt. */
const queueItem = z.tuple([z.unknown(), promptId], z.unknown()).transform(([, id]) => id);

/** What ComfyUI answers with: the form of each answer, and the most bytes that it may have. */
export const answerForms = {
  history: { maxBytes: LARGE_BYTES, schema: historySchema },
  job: { maxBytes: LARGE_BYTES, schema: z.object({ id: z.string().nullish(), status: z.string() }) },
  jobNotFound: { maxBytes: LARGE_BYTES, schema: z.object({ error: z.literal('Job not found') }) },
  nodeReplacements: { maxBytes: SMALL_BYTES, schema: nodeReplacementsSchema },
  objectInfo: { maxBytes: CLASSES_BYTES, schema: objectInfoSchema },
  objectInfoBefore08: { maxBytes: CLASSES_BYTES, schema: objectInfoBefore08Schema },
  queue: {
    maxBytes: LARGE_BYTES,
    schema: z.object({ queue_running: z.array(queueItem), queue_pending: z.array(queueItem) }),
  },
  queueLength: {
    maxBytes: SMALL_BYTES,
    schema: z.object({ exec_info: z.object({ queue_remaining: z.int().min(0) }) }),
  },
  /** Of a circle of nodes each is named at each of them: with a thousand, the most that a graph has, in 27 MB. */
  refusal: { maxBytes: REFUSAL_BYTES, schema: refusalSchema },
  running: { maxBytes: LARGE_BYTES, schema: z.object({ jobs: z.array(z.object({ id: promptId })) }) },
  submitted: {
    maxBytes: REFUSAL_BYTES,
    schema: z.object({ prompt_id: z.string(), node_errors: nodeErrorsSchema.catch({}) }),
  },
  systemStats: {
    maxBytes: SMALL_BYTES,
    schema: z.object({
      system: z.object({ comfyui_version: z.string().nullish() }),
      devices: z.array(z.object({ name: z.string() })).catch([]),
    }),
  },
  uploaded: {
    maxBytes: SMALL_BYTES,
    schema: z.object({ name: z.string().min(1).max(255), subfolder: z.string().max(1_000).catch('') }),
  },
} as const satisfies { [name: string]: { maxBytes: number; schema: z.ZodType } };

export type AnswerForm = keyof typeof answerForms;
export type AnswerOf<Form extends AnswerForm> = z.output<(typeof answerForms)[Form]['schema']>;

/** Throws RangeError, SyntaxError or ZodError for what is no such answer. */
export function parseForm(form: AnswerForm, bytes: Uint8Array): unknown {
  return answerForms[form].schema.parse(parseBoundedJson(bytes));
}
