import { randomBytes, randomUUID } from 'node:crypto';
import type { Attack, Client } from './attack.ts';
import { ask } from './wire.ts';

const GENERATE = 'mutation ($input: GenerateInput!) { generate(input: $input) { job { id } } }';

/** Jobs that cost nothing, before everybody else's. A turn is a job. */
export const tinyJobs: Attack = {
  usual: { clients: 8, perSecond: 10 },
  run: (client) => generate(client, { textToImage: { prompt: 'x', width: 64, height: 64, steps: 1 } }),
};

/** Jobs whose graphs are as large as they can be. A turn is a job. */
export const largeJobs: Attack = {
  usual: { clients: 2, perSecond: 1 },
  run: (client) => generate(client, { custom: { graph: largeGraph() } }),
};

async function generate(client: Client, workflow: object): Promise<void> {
  for (;;) {
    await client.turn();
    await ask(client, GENERATE, { input: { idempotencyKey: randomUUID(), priority: 'HIGH', workflow } });
  }
}

/** In base64 it takes four thirds of this. */
const LARGE_BYTES = 738_000;

/** A graph of some 985 KB that makes a tiny picture. */
export function largeGraph(): { [id: string]: object } {
  return {
    ...pictureGraph(64),
    // Of no output, so it is not run; random, so that it does not become small when it is compressed.
    3: { class_type: 'PrimitiveString', inputs: { value: randomBytes(LARGE_BYTES).toString('base64') } },
  };
}

/** A graph that makes one square picture of that many pixels a side. */
export function pictureGraph(side: number): { [id: string]: object } {
  const inputs = { width: side, height: side, batch_size: 1, color: Math.floor(Math.random() * 2 ** 24) };
  return {
    1: { class_type: 'EmptyImage', inputs },
    2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
  };
}
