import { type BoundUse, createShares } from '../../async/shares.ts';

/** Places for the operations that are open: all over sockets, and subscriptions as streams of events. */
export interface Places {
  /**
   * Takes one for a client's operation; to be disposed once, when that is over. Null: there is none for it.
   * `mostSubscriptions`: of a subscription, how many its client may have; null: as many as operations.
   */
  take(client: string, mostSubscriptions?: number | null): Disposable | null;
  use(): BoundUse;
}

export function createPlaces(most: number): Places {
  const operations = createShares(most);
  const subscriptions = createShares(most);
  return {
    take(client, mostSubscriptions) {
      const isSubscription = mostSubscriptions !== undefined;
      if (isSubscription && !subscriptions.take(client, 1, mostSubscriptions)) return null;
      const isTaken = operations.take(client);
      if (isSubscription && !isTaken) subscriptions.give(client);
      if (!isTaken) return null;
      return {
        [Symbol.dispose]() {
          operations.give(client);
          if (isSubscription) subscriptions.give(client);
        },
      };
    },
    use() {
      const use = operations.use();
      return { ...use, refusals: use.refusals + subscriptions.use().refusals };
    },
  };
}
