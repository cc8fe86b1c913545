/** A place in the jobs of a caller, by creation. */
export interface OwnedJobCursor {
  id: string;
  at: number;
}

/** Hands the jobs of a caller over to another. Every call throws when Redis cannot be reached. */
export interface JobHandover {
  /** The next of a caller's jobs, the oldest first. `since`: accepted then or later, in milliseconds since 1970. */
  page(query: {
    caller: string;
    since: number | null;
    after: OwnedJobCursor | null;
    first: number;
  }): Promise<OwnedJobCursor[]>;
  /**
   * Hands over a job and, of these uploads, those of its caller, in one step. False: it is not (or no longer) one of
   * `from`.
   */
  assign(id: string, from: string, to: string, uploads: readonly string[]): Promise<boolean>;
  /** Hands over the idempotency keys of jobs that `to` has by now. Gives how many. */
  assignKeys(from: string, to: string): Promise<number>;
}
