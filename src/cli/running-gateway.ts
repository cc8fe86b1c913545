import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import type { Workflow } from '../workflows/catalogue.ts';

/** A running gateway takes a folder within 2 s; some more for a machine that has much to do. */
const WITHIN_MS = 5_000;
const PAUSE_MS = 100;

const QUERY = 'query ($name: String!) { workflow(name: $name) { parameters { name type } } }';
const answerSchema = z.object({
  data: z.object({
    workflow: z.object({ parameters: z.array(z.object({ name: z.string(), type: z.string() })) }).nullable(),
  }),
});

/**
 * Waits until the gateway at this address offers a workflow that was just added, so that a call which is shown then
 * works. `elsewhere`: it does not, and so reads another folder; `unknown`: none answers there, or not to everybody.
 */
export async function untilOffered(
  workflow: Workflow,
  publicUrl: string,
): Promise<'offered' | 'elsewhere' | 'unknown'> {
  const expected = listed(workflow.parameters);
  const end = AbortSignal.timeout(WITHIN_MS);
  let hasAnswered = false;
  try {
    for (;;) {
      const offered = await ask(workflow.name, publicUrl, end);
      hasAnswered = true;
      if (offered && listed(offered.parameters) === expected) return 'offered';
      await delay(PAUSE_MS, undefined, { signal: end });
    }
  } catch {
    return hasAnswered ? 'elsewhere' : 'unknown';
  }
}

async function ask(name: string, publicUrl: string, signal: AbortSignal) {
  const response = await fetch(new URL('/graphql', publicUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: QUERY, variables: { name } }),
    redirect: 'error',
    signal,
  });
  return answerSchema.parse(await response.json()).data.workflow;
}

function listed(parameters: readonly { name: string; type: string }[]): string {
  return JSON.stringify(parameters.map(({ name, type }) => [name, type]));
}
