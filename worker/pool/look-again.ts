import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { LookRequest } from '../../src/backends/node-definitions.ts';
import type { NodeDefinitions } from '../../src/core/node-definitions.ts';
import { reasonOf } from '../comfyui/redact.ts';

export interface LookAgainOptions {
  /** Reads one class. */
  read(className: string): Promise<NodeDefinitions>;
  /** Publishes what was read. */
  publish(classes: NodeDefinitions): Promise<void>;
  /** Called when all that was asked for until then is published. */
  onLooked(at: number): void;
  signal: AbortSignal;
  log: Logger;
  /** From one look to the next; default 500 ms. */
  pauseMs?: number;
}

/**
 * Reads classes of one server again when a gateway asks: one after the other, and with pauses, so that whoever sends
 * graphs to be refused keeps no ComfyUI busy. What is asked for meanwhile is read together, each class once.
 */
export function createLookAgain(options: LookAgainOptions): (request: LookRequest) => void {
  const { read, publish, onLooked, signal, log, pauseMs = 500 } = options;
  let asked: { at: number; classes: Set<string> } | null = null;
  let working = false;

  async function work() {
    while (asked && !signal.aborted) {
      const { at, classes } = asked;
      asked = null;
      try {
        const found: NodeDefinitions[] = [];
        for (const className of classes) found.push(await read(className));
        await publish(new Map(found.flatMap((each) => [...each])));
        onLooked(at);
      } catch (cause) {
        if (!signal.aborted) log.debug({ reason: reasonOf(cause) }, 'classes of comfyui not looked at again');
      }
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    working = false;
  }

  return ({ at, classes }) => {
    asked = { at: Math.max(at, asked?.at ?? 0), classes: new Set([...(asked?.classes ?? []), ...classes]) };
    if (working) return;
    working = true;
    void work();
  };
}
