/*
 * Drives a ComfyUI directly, like ComfyUI's own example (script_examples/websockets_api_example.py): it posts the
 * prompt, waits on the WebSocket for its end, reads its history and fetches its pictures. `depth` prompts are under way
 * at a time.
 *
 * What it leaves out: it handles no failures, and it has no record, no storage and no queue.
 */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { openGraphs } from '../load/picture.ts';
import { jobsSchema, runAll } from '../load/run-all.ts';
import { answerParent } from '../rpc.ts';

const messageSchema = z.object({
  type: z.string(),
  data: z.object({ node: z.string().nullish(), prompt_id: z.string().optional() }),
});
const historySchema = z.record(
  z.string(),
  z.object({
    outputs: z.record(
      z.string(),
      z.object({
        images: z.array(z.object({ filename: z.string(), subfolder: z.string(), type: z.string() })).default([]),
      }),
    ),
  }),
);

async function open(url: string) {
  const clientId = randomUUID();
  const pool = new Pool(url);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?clientId=${clientId}`);
  await once(socket, 'open');
  const waiting = new Map<string, () => void>();
  socket.on('message', (data, isBinary) => {
    if (isBinary) return;
    const message = messageSchema.safeParse(JSON.parse(String(data)));
    if (!message.success) return;
    const { type, data: about } = message.data;
    if (type === 'executing' && about.node === null && about.prompt_id) waiting.get(about.prompt_id)?.();
  });

  async function get(path: string) {
    const { statusCode, body } = await pool.request({ method: 'GET', path });
    const bytes = Buffer.from(await body.arrayBuffer());
    if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${bytes}`);
    return bytes;
  }

  /** Runs a graph and returns its pictures. */
  async function run(graph: unknown) {
    const promptId = randomUUID();
    const ended = new Promise<void>((resolve) => waiting.set(promptId, resolve));
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: '/prompt',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: graph, client_id: clientId, prompt_id: promptId }),
    });
    const answer = await body.text();
    if (statusCode !== 200) throw new Error(`${statusCode} ${answer}`);
    await ended;
    waiting.delete(promptId);
    const history = historySchema.parse(JSON.parse(String(await get(`/history/${promptId}`))));
    const images = Object.values(history[promptId]?.outputs ?? {}).flatMap((output) => output.images);
    if (images.length === 0) throw new Error('a prompt made nothing');
    return Promise.all(images.map((image) => get(`/view?${new URLSearchParams(image)}`)));
  }

  return {
    run,
    async close() {
      socket.terminate();
      await pool.destroy();
    },
  };
}

async function run(args: unknown) {
  const { url, picture, ...plan } = jobsSchema.parse(args);
  const nextGraph = await openGraphs(picture);
  const driver = await open(url);
  try {
    return await runAll(plan, async () => {
      await driver.run(nextGraph());
    });
  } finally {
    await driver.close();
  }
}

answerParent({ run });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
