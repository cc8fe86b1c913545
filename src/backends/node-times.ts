/** Milliseconds by name, as workers have learned them; shared, so that a new worker need not learn them anew. */
export interface NodeTimesStore {
  /** What is no time is left out. */
  read(): Promise<Map<string, number>>;
  write(times: ReadonlyMap<string, number>): Promise<void>;
}
