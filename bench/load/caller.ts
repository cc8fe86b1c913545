// A caller with a key: either one that calls `generate` now and then, or one that is at all limits of its plan and goes
// on calling.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { answerParent } from '../rpc.ts';

const argsSchema = z.object({ url: z.url(), authorization: z.string() });
const politeSchema = argsSchema.extend({ ms: z.number(), pauseMs: z.number() });
const greedySchema = argsSchema.extend({
  /** Connections on which one call follows the other. */
  connections: z.int(),
  sockets: z.int(),
  /** Of each socket. */
  subscriptions: z.int(),
  uploads: z.int(),
});

const GENERATE = 'mutation ($input: GenerateInput!) { generate(input: $input) { job { id status } replayed } }';
const UPLOAD = 'mutation ($input: CreateUploadInput!) { createUpload(input: $input) { id } }';
const WATCH = 'subscription ($id: ID!) { jobProgress(id: $id) { seq type } }';

const acceptedSchema = z.object({ data: z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) }) });

function openCaller({ url, authorization }: z.infer<typeof argsSchema>, connections: number) {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections });
  const post = async (query: string, input: object): Promise<unknown> => {
    const { body } = await pool.request({
      method: 'POST',
      path: pathname,
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization },
      body: JSON.stringify({ query, variables: { input } }),
    });
    return body.json();
  };
  const generate = () =>
    post(GENERATE, { idempotencyKey: randomUUID(), workflow: { textToImage: { prompt: 'a lighthouse at dusk' } } });
  return { pool, post, generate };
}

/** How long each call of `generate` took, in milliseconds, with a pause behind each. */
async function polite(args: unknown): Promise<number[]> {
  const { ms, pauseMs, ...who } = politeSchema.parse(args);
  const { pool, generate } = openCaller(who, 1);
  const taken: number[] = [];
  for (const end = performance.now() + ms; performance.now() < end; await delay(pauseMs)) {
    const began = performance.now();
    acceptedSchema.parse(await generate());
    taken.push(performance.now() - began);
  }
  await pool.close();
  return taken;
}

let leave: (() => Promise<number>) | null = null;
/** What is watched: of the first time, since all that may be made has been made then. */
let job: string | null = null;

/** Takes all that it may, and goes on calling until `stop`. Resolves once it has all. */
async function greedy(args: unknown): Promise<void> {
  const { connections, sockets, subscriptions, uploads, ...who } = greedySchema.parse(args);
  const { pool, post, generate } = openCaller(who, connections);
  job ??= acceptedSchema.parse(await generate()).data.generate.job.id;
  const id = job;
  for (let i = 0; i < uploads; i++)
    await post(UPLOAD, { filename: 'a.png', contentType: 'image/png', sizeBytes: 1_000 });
  const clients = Array.from({ length: sockets }, () =>
    createClient({
      url: who.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: who.authorization },
      lazy: true,
    }),
  );
  const watched = clients.flatMap((client) =>
    Array.from({ length: subscriptions }, async () => {
      const events = client.iterate({ query: WATCH, variables: { id } });
      await events.next();
      // Kept open, and not read: nothing more happens to the job.
      return events;
    }),
  );
  await Promise.all(watched);
  let calls = 0;
  let isOver = false;
  const callers = Array.from({ length: connections }, async () => {
    for (; !isOver; calls++) await generate();
  });
  leave = async () => {
    isOver = true;
    await Promise.all(callers);
    await Promise.all(clients.map((client) => client.dispose()));
    await pool.close();
    return calls;
  };
}

/** How many calls it has made. */
async function stop(): Promise<number> {
  const calls = (await leave?.()) ?? 0;
  leave = null;
  return calls;
}

answerParent({ polite, greedy, stop });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
