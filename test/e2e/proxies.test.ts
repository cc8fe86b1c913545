import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import sharp from 'sharp';
import { Agent, fetch, type RequestInit } from 'undici';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Loose } from '../simulator/client.ts';
import { findProgram } from '../support/find-program.ts';
import { freePort } from '../support/free-port.ts';
import { onlySimulator, openProduct } from '../support/product.ts';
import { PROXIES, startReverseProxy } from '../support/reverse-proxy.ts';

const ca = readFileSync(join(import.meta.dirname, '../fixtures/tls/first-cert.pem'), 'utf8');

/** The product behind the example of this proxy, as clients reach it: by https alone. */
async function openBehind(name: (typeof PROXIES)[number], context: TestContext) {
  const port = await freePort();
  const url = `https://localhost:${port}`;
  const product = await openProduct(context);
  const gateway = await product.both({ PUBLIC_URL: url });
  const agent = new Agent({ connect: { ca } });
  const ask = (path: string, init: RequestInit = {}) => fetch(new URL(path, url), { dispatcher: agent, ...init });
  async function post(query: string, variables = {}) {
    const headers = { 'content-type': 'application/json' };
    const answer = await ask('/graphql', { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    return { status: answer.status, headers: answer.headers, ...((await answer.json()) as Loose) };
  }
  const answers = async () => (await post('{ __typename }')).data?.__typename === 'Query';
  const proxy = await startReverseProxy(name, { port, gatewayPort: gateway.port, answers });
  context.onTestFinished(async () => {
    await agent.destroy();
    await proxy.close();
  });
  return { url, ask, post, faults: onlySimulator(product).faults };
}

const GENERATE = 'mutation ($input: GenerateInput!) { generate(input: $input) { job { id } } }';
const WATCH = 'subscription ($id: ID!) { jobProgress(id: $id) { type job { artifacts { url sha256 size } } } }';

/** Sends a file as curl does a large one: not before the server has said that it takes it. */
async function putWhenAsked(url: string, method: string, headers: Record<string, string>, body: Buffer) {
  const req = request(url, {
    ca,
    method,
    agent: false,
    headers: {
      ...headers,
      'content-length': body.length,
      expect: '100-continue',
    },
  });
  const asked = once(req, 'continue');
  req.flushHeaders();
  await asked;
  req.end(body);
  const [res] = await once(req, 'response');
  res.resume();
  return res.statusCode;
}

describe.each(PROXIES)('behind the example of %s', (name) => {
  test.skipIf(findProgram(name) === null)(
    'calls, sockets, events, uploads and parts of files go through',
    { timeout: 240_000 },
    async (context) => {
      const { url, ask, post, faults } = await openBehind(name, context);
      const called = await post('{ __typename }', {});
      expect([called.status, called.headers.get('strict-transport-security')]).toEqual([200, 'max-age=31536000']);
      expect((await ask('/graphql', { headers: { accept: 'text/html' } })).headers.get('content-type')).toContain(
        'html',
      );

      // Larger than what proxies take or keep without being told.
      const raw = Buffer.alloc(2_000 * 2_000 * 3);
      for (let i = 0; i < raw.length; i++) raw[i] = (i * i * 31) >> 7;
      const picture = await sharp(raw, { raw: { width: 2_000, height: 2_000, channels: 3 } })
        .png({ compressionLevel: 0 })
        .toBuffer();
      expect(picture.length).toBeGreaterThan(10_000_000);
      const CREATE = 'mutation ($input: CreateUploadInput!) { createUpload(input: $input) { id method url headers } }';
      const input = { filename: 'a.png', contentType: 'image/png', size: picture.length };
      const { id: upload, method, url: place, headers } = (await post(CREATE, { input })).data.createUpload;
      expect(place.startsWith(url)).toBe(true);
      expect(await putWhenAsked(place, method, headers, picture)).toBe(200);

      faults.current.holdAt = 'KSampler';
      const workflow = { imageToImage: { prompt: 'a boat', image: { upload }, steps: 2 } };
      const generated = await post(GENERATE, { input: { idempotencyKey: 'behind', workflow } });
      const { id } = generated.data.generate.job;

      // Events come while the job is held: nobody on the way collects them.
      const search = new URLSearchParams({ query: WATCH, variables: JSON.stringify({ id }) });
      const stream = await ask(`/graphql?${search}`, { headers: { accept: 'text/event-stream' } });
      const reader = stream.body?.getReader();
      const decoder = new TextDecoder();
      let heard = '';
      const hear = async (text: string) => {
        while (!heard.includes(text)) {
          const { done, value } = (await reader?.read()) ?? { done: true };
          if (done) throw new Error(`the stream ended before ${text}: ${heard}`);
          heard += decoder.decode(value, { stream: true });
        }
      };
      await hear('"type":"STARTED"');

      class Socket extends WebSocket {
        constructor(address: string, protocols: string[]) {
          super(address, protocols, { ca });
        }
      }
      const socket = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: Socket });
      context.onTestFinished(() => void socket.dispose());
      const events: Loose[] = [];
      const watched = (async () => {
        for await (const { data } of socket.iterate({ query: WATCH, variables: { id } }))
          events.push(data?.jobProgress);
      })();
      await vi.waitFor(() => expect(events[0]?.type).toBe('SNAPSHOT'), 60_000);
      faults.current.holdAt = null;
      await watched;
      await hear('"type":"SUCCEEDED"');
      expect(events.at(-1).type).toBe('SUCCEEDED');

      const [artifact] = events.at(-1).job.artifacts;
      const whole = Buffer.from(await (await ask(artifact.url)).arrayBuffer());
      expect(createHash('sha256').update(whole).digest('hex')).toBe(artifact.sha256);
      const part = await ask(artifact.url, { headers: { range: 'bytes=10-19' } });
      expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 10-19/${artifact.size}`]);
      expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(10, 20));
    },
  );
});
