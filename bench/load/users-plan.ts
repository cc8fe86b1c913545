import * as z from 'zod';
import { pictureSchema } from './picture.ts';

/** What the users have to do. */
export const usersSchema = z.object({
  url: z.url(),
  users: z.int(),
  /** The users start one after the other over this time. Jobs that begin in it do not count. */
  warmMs: z.number(),
  ms: z.number(),
  picture: pictureSchema,
});

/** Failed jobs always count. `faults` holds the first few errors. */
export const usersAnswerSchema = z.object({
  jobs: z.int(),
  failed: z.int(),
  faults: z.array(z.string()),
  perSecond: z.number(),
  generateMs: z.array(z.number()),
  deliveryMs: z.array(z.number()),
});
