import type { TestRedis } from '../test/support/redis.ts';
import type { Row } from './table.ts';

/** The surroundings of a bench. */
export interface BenchContext {
  /** A real Redis with `appendfsync always`, as the product requires. It is empty at first. */
  redis: TestRedis;
  /** A smoke run: everything runs once and small, and the figures mean nothing. */
  quick: boolean;
  /** An empty folder for this run. */
  dir: string;
  /** Prints a line about the progress of the run. */
  say(line: string): void;
}

/** Measures, and stops everything that it has started. */
export type Bench = (context: BenchContext) => Promise<Row[]>;
