import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Target } from './attack.ts';
import { largeGraph, pictureGraph } from './jobs.ts';

export interface PrepareOptions {
  /** How many large pictures, and their width and height in pixels. */
  pictures: number;
  side: number;
}

/** What attacks need of a gateway, whose origin is `url`: a job with a large graph, and jobs with one picture each. */
export async function prepareTarget(
  url: string,
  { pictures, side }: PrepareOptions,
): Promise<Omit<Target, 'from'> & { jobIds: string[] }> {
  const largeJobId = await run(url, largeGraph());
  const pictureJobIds: string[] = [];
  for (let i = 0; i < pictures; i++) pictureJobIds.push(await run(url, pictureGraph(side)));
  return { url, largeJobId, pictureJobIds, jobIds: [largeJobId, ...pictureJobIds] };
}

const GENERATE = 'mutation ($input: GenerateInput!) { generate(input: $input) { job { id status } } }';
const answerSchema = z.object({
  data: z.object({ generate: z.object({ job: z.object({ id: z.string(), status: z.string() }) }) }),
});
const TRIES = 3;

/** The id of a job that has SUCCEEDED. */
async function run(url: string, graph: object): Promise<string> {
  const input = { idempotencyKey: randomUUID(), waitSeconds: 60, workflow: { custom: { graph } } };
  for (let tries = 1; ; tries++) {
    const answer = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: GENERATE, variables: { input } }),
    });
    const text = await answer.text();
    const parsed = answerSchema.safeParse(JSON.parse(text));
    if (parsed.data?.data.generate.job.status === 'SUCCEEDED') return parsed.data.data.generate.job.id;
    if (tries === TRIES) throw new Error(`a job of the attackers did not succeed: ${text.slice(0, 500)}`);
  }
}
