import * as z from 'zod';
import type { Json } from '../../src/core/job.ts';

/** What is read of a history entry. Everything a custom node puts into `outputs` is its own affair: see outputs.ts. */
export const historyEntrySchema = z.object({
  outputs: z.record(z.string(), z.json()).catch({}),
  status: z
    .object({
      status_str: z.string().catch(''),
      completed: z.boolean().catch(false),
      messages: z.array(z.tuple([z.string(), z.record(z.string(), z.json())])).catch([]),
    })
    .nullish(),
  meta: z.record(z.string(), z.object({ real_node_id: z.string().nullish() }).catch({})).catch({}),
});
export type HistoryEntry = z.infer<typeof historyEntrySchema>;

/** `GET /history/{id}`: the entry under its id, or nothing. */
export const historySchema = z.record(z.string(), historyEntrySchema);

/** A field of a message, when it is text. */
export function textField(data: { [key: string]: Json }, name: string): string | null {
  const value = data[name];
  return typeof value === 'string' ? value : null;
}
