import type { GatewayJobStore } from '../job-record/job-store.ts';

/** Places of jobs in the queue, null for one that is not in it: those of one tick are read in one round trip. */
export function createQueuePositions(
  store: Pick<GatewayJobStore, 'positions'>,
): (id: string) => Promise<number | null> {
  let batch: { ids: string[]; answer: Promise<Map<string, number | null>> } | null = null;
  return async (id) => {
    if (!batch) {
      const ids: string[] = [];
      const answer = Promise.resolve().then(async () => {
        batch = null;
        const found = await store.positions(ids);
        return new Map(ids.map((each, i) => [each, found[i] ?? null]));
      });
      batch = { ids, answer };
    }
    batch.ids.push(id);
    return (await batch.answer).get(id) ?? null;
  };
}
