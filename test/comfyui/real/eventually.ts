import { setInterval } from 'node:timers/promises';

/**
 * Resolves when `condition` gives true; it is asked ten times a second. Rejects, saying `what`, when the time is over.
 */
export async function eventually(what: string, withinMs: number, condition: () => Promise<boolean>): Promise<void> {
  if (await condition()) return;
  const until = performance.now() + withinMs;
  for await (const _ of setInterval(100)) {
    if (await condition()) return;
    if (performance.now() >= until) throw new Error(`not within ${withinMs} ms: ${what}`);
  }
}
