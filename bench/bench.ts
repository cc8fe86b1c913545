import type { TestRedis } from '../test/support/redis.ts';
import type { Row } from './table.ts';

/** What a bench is given. */
export interface BenchContext {
  /** A real one with AOF always, as the product asks for; empty at first. */
  redis: TestRedis;
  /** A smoke run: everything once and small, its figures worth nothing. */
  quick: boolean;
  /** An empty folder of the run's own. */
  dir: string;
  /** One line on what is under way. */
  say(line: string): void;
}

/** Measures, and leaves nothing running. */
export type Bench = (context: BenchContext) => Promise<Row[]>;
