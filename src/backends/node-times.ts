/**
 * The times of nodes that workers have measured, in milliseconds by name. A new worker starts with those of the others.
 */
export interface NodeTimesStore {
  /** Values that are not valid times are left out. */
  read(): Promise<Map<string, number>>;
  /** Takes these, and forgets those named in `dropped`. */
  write(times: ReadonlyMap<string, number>, dropped: readonly string[]): Promise<void>;
}
