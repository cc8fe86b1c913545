import * as z from 'zod';
import type { Json } from '../../src/core/job.ts';

/** It comes from `JSON.parse`, so it is JSON: to look at each value again takes a second for each megabyte. */
const json = z.custom<Json>(() => true);

/**
 * What is read of a history entry. Everything a custom node puts into `outputs` is its own affair: see outputs.ts.
 */
export const historyEntrySchema = z
  .object({
    /** The queue's item: its second part is the id that the prompt was submitted under. */
    prompt: z
      .tuple([z.unknown(), z.string()], z.unknown())
      .transform(([, id]) => id)
      .nullish()
      .catch(null),
    outputs: z.record(z.string(), json).catch({}),
    status: z
      .object({
        status_str: z.string().catch(''),
        completed: z.boolean().catch(false),
        messages: z.array(z.tuple([z.string(), z.record(z.string(), json)])).catch([]),
      })
      .nullish(),
    meta: z.record(z.string(), z.object({ real_node_id: z.string().nullish() }).catch({})).catch({}),
  })
  .refine(({ outputs, status }) => countValues([outputs, ...(status?.messages ?? [])], MOST_VALUES) <= MOST_VALUES);
export type HistoryEntry = z.infer<typeof historyEntrySchema>;

/** A thousand results (`MOST_OUTPUTS`) have some thousands. */
const MOST_VALUES = 50_000;

/** `GET /history/{id}`: the entry under its id, or nothing. */
export const historySchema = z.record(z.string(), historyEntrySchema);

/** Whether the entry says itself that it is another prompt's, be it in its messages. */
export function isOfAnother({ prompt, status }: HistoryEntry, promptId: string): boolean {
  const named = [prompt, ...(status?.messages ?? []).map(([, { prompt_id }]) => prompt_id)];
  return named.some((id) => typeof id === 'string' && id !== promptId);
}

/** A field of a message, when it is text: its first characters, by default more than of any line is shown. */
export function textField(data: { [key: string]: Json }, name: string, most = 10_000): string | null {
  const value = data[name];
  return typeof value === 'string' ? value.slice(0, most) : null;
}

/** How many values there are in all, counted no further than to one more than `most`. */
function countValues(value: Json, most: number): number {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const each of Array.isArray(value) ? value : Object.values(value)) {
    count += countValues(each, most - count);
    if (count > most) break;
  }
  return count;
}
