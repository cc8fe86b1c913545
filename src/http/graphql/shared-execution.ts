import { createHash } from 'node:crypto';
import type { ExecutionResult } from 'graphql';

/**
 * Executes and serialises an event once for all watchers with the same operation. The answer must not depend on the
 * caller, which holds for every subscription here: all who may watch a job see the same of it.
 */
export interface SharedExecution {
  /** The JSON text of `execute(event)`, made at most once for each event and key. */
  text(event: object, key: string, execute: () => Promise<ExecutionResult> | ExecutionResult): Promise<string> | string;
}

export function createSharedExecution(): SharedExecution {
  // Watchers of a job are given the same event object; with the last of them it goes, and these texts with it.
  const texts = new WeakMap<object, Map<string, Promise<string> | string>>();

  return {
    text(event, key, execute) {
      let known = texts.get(event);
      if (!known) {
        known = new Map();
        texts.set(event, known);
      }
      const present = known.get(key);
      if (present !== undefined) return present;
      const result = execute();
      const text =
        result instanceof Promise ? result.then((settled) => JSON.stringify(settled)) : JSON.stringify(result);
      known.set(key, text);
      return text;
    },
  };
}

/** What two operations must have in common to share their answers, as a short text: it is kept with each event. */
export function operationKey(query: string, operationName: string | null | undefined, variables: unknown): string {
  const text = JSON.stringify([query, operationName ?? null, variables ?? null]);
  return createHash('sha256').update(text).digest('base64');
}
