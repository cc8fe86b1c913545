/** Delivery of job ids. What a job is and how it stands is the record's alone. */
export interface JobQueue {
  /** Idempotent: an id that is already held is left as it is. `order`: smaller is delivered first. */
  add(jobId: string, order: number): Promise<void>;
  /** How many deliveries come before each; null for an id that is not waiting. */
  positions(jobIds: string[]): Promise<(number | null)[]>;
  /** Which of these ids the queue does not hold in any state. */
  missing(jobIds: string[]): Promise<string[]>;
  /**
   * Delivers at once what was put back by a clock that is wrong: overdue for 10 s by `now` (milliseconds since 1970, on
   * Redis's clock), or due only in more than an hour. Overdue is also what no worker has had room for, to which it does
   * no harm. Gives the ids.
   */
  promoteMisdated(now: number): Promise<string[]>;
  /** Takes an id out unless a worker holds it. */
  remove(jobId: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * What became of a delivery: over, or to be delivered again after a while, then before others of its order that have
 * not been.
 */
export type DeliveryResult = { done: true } | { done: false; delayMs: number };

export interface JobConsumer {
  /** How many deliveries are held at once; 0 takes no more for now. */
  setCapacity(slots: number): void;
  /** Delivers at once, to whomever, what was put back and is not due yet; nothing where it is not so. */
  promote(jobId: string): void;
  /** Takes no more and waits for those that are held. */
  close(): Promise<void>;
}

/** Aborted when the delivery's lock was lost or the consumer is closed by force. */
export type DeliveryHandler = (jobId: string, signal: AbortSignal) => Promise<DeliveryResult>;
