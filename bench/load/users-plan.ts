import * as z from 'zod';

/** What the users are asked for. */
export const usersSchema = z.object({
  url: z.url(),
  users: z.int(),
  /** Users come one after the other over this time; jobs that were begun in it do not count. */
  warmMs: z.number(),
  ms: z.number(),
  pixels: z.int(),
  steps: z.int(),
});

/** Failed jobs count from the first moment on; `faults` are the first few. */
export const usersAnswerSchema = z.object({
  jobs: z.int(),
  failed: z.int(),
  faults: z.array(z.string()),
  perSecond: z.number(),
  generateMs: z.array(z.number()),
  toldMs: z.array(z.number()),
});
