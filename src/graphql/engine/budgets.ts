import { type BoundUse, createShares, type Shares } from '../../async/shares.ts';

/** The memory that one operation has: what it reads, and its answer until that is out. Disposed of, it has none. */
export interface Budget extends Disposable {
  /**
   * Counts bytes into the answer that is being made. Gives why they may not be part of it, where it becomes too long or
   * too much waits for its client; else null.
   */
  answer(bytes: number): string | null;
  /** Counts bytes that are kept beside the answer, until it is disposed of. False: there is no room for them. */
  keep(bytes: number): boolean;
  /** The bytes of the answer that is being made, as far as it has come. */
  answerBytes(): number;
  /** The last answer of a subscription is out, and the next begins. */
  restart(): void;
}

/** The memory of all operations, counted by client. */
export interface Budgets {
  open(client: string): Budget;
  /** Whether there is room for an answer of a usual size: where not, the client is to read first and ask later. */
  hasRoom(client: string): boolean;
  /** In bytes. */
  use(): BoundUse;
}

/** Of one answer: several pages of jobs whose graphs are large, or a hundred thousand small values. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/**
 * Of all operations; shares.ts says what one client may have of it. They are counted as JSON; objects take several
 * times as much, so that this much is a good part of the memory of a container of 512 MiB.
 */
const MAX_TOTAL_BYTES = 32 * 1024 * 1024;

/** Of a page of jobs without large graphs. */
const USUAL_BYTES = 32 * 1024;

const TOO_LONG = `The answer is longer than ${MAX_ANSWER_BYTES} bytes: ask for fewer jobs or fields at once.`;
export const TOO_MUCH_WAITS = 'Too much waits for your address: read the answers that are there, then ask again.';

/** `maxBodyBytes`: the longest request, of which a client may have two, whatever else is said here. */
export function createBudgets(maxBodyBytes = 0): Budgets {
  const shares = createShares(Math.max(MAX_TOTAL_BYTES, 4 * maxBodyBytes));

  return {
    open: (client) => new OperationBudget(shares, client),
    hasRoom: (client) => shares.left(client) >= USUAL_BYTES,
    use: shares.use,
  };
}

/** A class, since each of many thousand watchers has one: methods that are closures would take five times as much. */
class OperationBudget implements Budget {
  readonly #shares: Shares;
  readonly #client: string;
  #answer = 0;
  #kept = 0;
  #open = true;

  constructor(shares: Shares, client: string) {
    this.#shares = shares;
    this.#client = client;
  }

  answer(bytes: number): string | null {
    if (this.#answer + bytes > MAX_ANSWER_BYTES) return TOO_LONG;
    if (!this.#take(bytes)) return TOO_MUCH_WAITS;
    this.#answer += bytes;
    return null;
  }

  keep(bytes: number): boolean {
    if (!this.#take(bytes)) return false;
    this.#kept += bytes;
    return true;
  }

  answerBytes(): number {
    return this.#answer;
  }

  restart(): void {
    if (this.#open && this.#answer > 0) this.#shares.give(this.#client, this.#answer);
    this.#answer = 0;
  }

  [Symbol.dispose](): void {
    this.restart();
    if (this.#open) this.#shares.give(this.#client, this.#kept);
    this.#open = false;
  }

  /** What is found out for a client that has left is dropped. */
  #take(bytes: number): boolean {
    return !this.#open || this.#shares.take(this.#client, bytes);
  }
}
