/**
 * Delivery of tickets, of which each gets a job when it is delivered. What a job is, how it stands and whose turn it is
 * is the record's alone.
 */
export interface JobQueue {
  /** Idempotent: one that is already held is left as it is. */
  add(ticket: string): Promise<void>;
  /** Which of these tickets the queue does not hold in any state. */
  missing(tickets: string[]): Promise<string[]>;
  /** Which of these jobs are not held in any state by the queue of the versions that had no tickets. */
  missingBefore(jobIds: string[]): Promise<string[]>;
  /**
   * Delivers at once what was put back by a clock that is wrong: overdue for 10 s by `now` (milliseconds since 1970, on
   * Redis's clock), or due only in more than an hour. Overdue is also what no worker has had room for, to which it does
   * no harm. Gives the tickets.
   */
  promoteMisdated(now: number): Promise<string[]>;
  /** Takes one out unless a worker holds it. */
  remove(ticket: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * What became of a delivery: over, or to be delivered again after a while, then before those that have
 * not been.
 */
export type DeliveryResult = { done: true } | { done: false; delayMs: number };

export interface JobConsumer {
  /** How many deliveries are held at once; 0 takes no more for now. */
  setCapacity(slots: number): void;
  /** Delivers at once, to whomever, what was put back and is not due yet; nothing where it is not so. */
  promote(ticket: string): void;
  /** Takes no more and waits for those that are held. */
  close(): Promise<void>;
}

/** Aborted when the delivery's lock was lost or the consumer is closed by force. */
export type DeliveryHandler = (ticket: string, signal: AbortSignal) => Promise<DeliveryResult>;
