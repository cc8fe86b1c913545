import { createHash } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';

/**
 * Executes and serialises an event once for all watchers with the same operation. The answer must not depend on who
 * watches, which holds for every subscription here: all who may watch a job see the same of it, and each is given only
 * events of jobs that it may see. One that is cut for want of room, which is the want of the client that it was made
 * for, is that one's alone.
 */
export interface SharedExecution {
  /** The JSON of `execute(event)`, made once for watchers who ask for the same event and key at about a time. */
  answer(event: object, key: string, execute: Execute): Promise<Buffer> | Buffer;
  /** Whether that is there already, so that it takes no time. */
  isMade(event: object, key: string): boolean;
  /**
   * The turn in which a client's watchers of the same event and key go on: the first has it taken by `take`. As many as
   * go on in a short time have one together.
   */
  turn(event: object, key: string, client: string, take: () => Promise<void>): Promise<void>;
}

type Execute = () => Promise<ExecutionResult> | ExecutionResult;

/**
 * Of answers that others may ask for: watchers of an event are told of it one right behind the other. With its event an
 * answer would stay as long as the slowest watcher of all has not taken that.
 */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** What an answer takes beside its bytes. */
const ENTRY_BYTES = 200;
/** Each costs little more than a write to its socket. */
const MOST_IN_A_TURN = 64;

/** What there is of an event, by key; turns by key and client. */
interface OfEvent {
  made: Map<string, Buffer>;
  /** Null: it is that of its client alone. */
  making: Map<string, Promise<Buffer | null>>;
  turns: Map<string, { taken: Promise<void>; left: number }>;
}

export function createSharedExecution(): SharedExecution {
  // Watchers of a job are given the same event object.
  const events = new WeakMap<object, OfEvent>();
  /** All that is made, with the place from which others take it. */
  const kept = new LRUCache<Buffer, { made: Map<string, Buffer>; key: string }>({
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: (_, { length }) => length + ENTRY_BYTES,
    dispose: ({ made, key }, answer) => {
      if (made.get(key) === answer) made.delete(key);
    },
  });

  function of(event: object): OfEvent {
    const known = events.get(event);
    if (known) return known;
    const begun: OfEvent = { made: new Map(), making: new Map(), turns: new Map() };
    events.set(event, begun);
    return begun;
  }

  function answerOf({ made }: OfEvent, key: string, result: ExecutionResult): Buffer {
    const answer = Buffer.from(JSON.stringify(result));
    // One that is larger than all that is kept is that of its watcher alone.
    if (isForAll(result) && kept.set(answer, { made, key }).has(answer)) made.set(key, answer);
    return answer;
  }

  /** Made for one watcher, without looking for what others have. */
  function make(ofEvent: OfEvent, key: string, execute: Execute): Promise<Buffer> | Buffer {
    const result = execute();
    if (!(result instanceof Promise)) return answerOf(ofEvent, key, result);
    const answering = result.then((settled) => ({
      answer: answerOf(ofEvent, key, settled),
      forAll: isForAll(settled),
    }));
    const shared = answering
      .then(({ answer, forAll }) => (forAll ? answer : null))
      .finally(() => ofEvent.making.delete(key));
    // Told to whom it is made for.
    shared.catch(() => undefined);
    ofEvent.making.set(key, shared);
    return answering.then(({ answer }) => answer);
  }

  return {
    isMade: (event, key) => of(event).made.has(key),
    answer(event, key, execute) {
      const ofEvent = of(event);
      const known = ofEvent.made.get(key);
      if (known) return known;
      const others = ofEvent.making.get(key);
      return others ? others.then((answer) => answer ?? make(ofEvent, key, execute)) : make(ofEvent, key, execute);
    },
    turn(event, key, client, take) {
      const { turns } = of(event);
      const name = `${key} ${client}`;
      const open = turns.get(name);
      if (open && open.left > 0) {
        open.left -= 1;
        return open.taken;
      }
      const taken = take();
      const next = { taken, left: MOST_IN_A_TURN - 1 };
      turns.set(name, next);
      const over = () => {
        if (turns.get(name) === next) turns.delete(name);
      };
      taken.then(over, over);
      return taken;
    },
  };
}

function isForAll({ errors = [] }: ExecutionResult): boolean {
  return errors.every(({ extensions }) => extensions.code !== 'LIMIT_EXCEEDED');
}

/** What two operations must have in common to share their answers, as a short text: it is kept with each event. */
export function operationKey(query: string, operationName: string | null | undefined, variables: unknown): string {
  const text = JSON.stringify([query, operationName ?? null, variables ?? null]);
  return createHash('sha256').update(text).digest('base64');
}
