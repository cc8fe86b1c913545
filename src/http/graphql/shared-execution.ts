import { createHash } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';

/**
 * Executes and serialises an event once for all watchers with the same operation. The answer must not depend on who
 * watches, which holds for every subscription here: all who may watch a job see the same of it, and each is given only
 * events of jobs that it may see. One that is cut for want
 * of room, which is the want of the client that it was made for, is that one's alone.
 */
export interface SharedExecution {
  /** The JSON text of `execute(event)`, made once for watchers who ask for the same event and key at about a time. */
  text(event: object, key: string, execute: () => Promise<ExecutionResult> | ExecutionResult): Promise<string> | string;
  /** Whether that text is there already, so that it takes no time. */
  isMade(event: object, key: string): boolean;
}

/**
 * Of texts that others may ask for: watchers of an event are told of it one right behind the other. With its event a
 * text would stay as long as the slowest watcher of all has not taken that.
 */
const MAX_KEPT_CHARACTERS = 4 * 1024 * 1024;
/** What a text takes beside its characters. */
const ENTRY_CHARACTERS = 200;

export function createSharedExecution(): SharedExecution {
  // Watchers of a job are given the same event object.
  const numbers = new WeakMap<object, number>();
  let lastNumber = 0;
  /** Null: it is that of its client alone. */
  const making = new Map<string, Promise<string | null>>();
  const texts = new LRUCache<string, string>({
    maxSize: MAX_KEPT_CHARACTERS,
    sizeCalculation: ({ length }) => length + ENTRY_CHARACTERS,
  });

  function numberOf(event: object): number {
    const known = numbers.get(event);
    if (known !== undefined) return known;
    lastNumber += 1;
    numbers.set(event, lastNumber);
    return lastNumber;
  }

  function textOf(name: string, result: ExecutionResult): string {
    const text = JSON.stringify(result);
    if (isForAll(result)) texts.set(name, text);
    return text;
  }

  /** Made for one watcher, without looking for what others have. */
  function make(name: string, execute: () => Promise<ExecutionResult> | ExecutionResult): Promise<string> | string {
    const result = execute();
    if (!(result instanceof Promise)) return textOf(name, result);
    const made = result.then((settled) => ({ text: textOf(name, settled), forAll: isForAll(settled) }));
    const shared = made.then(({ text, forAll }) => (forAll ? text : null)).finally(() => making.delete(name));
    // Told to whom it is made for.
    shared.catch(() => undefined);
    making.set(name, shared);
    return made.then(({ text }) => text);
  }

  const nameOf = (event: object, key: string) => `${numberOf(event)} ${key}`;

  return {
    isMade: (event, key) => texts.has(nameOf(event, key)),
    text(event, key, execute) {
      const name = nameOf(event, key);
      const known = texts.get(name);
      if (known !== undefined) return known;
      const others = making.get(name);
      return others ? others.then((text) => text ?? make(name, execute)) : make(name, execute);
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
