import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import { testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

let redis: TestRedis;
let product: UseCases;

beforeAll(async () => {
  redis = await startTestRedis();
  product = await openUseCases(redis.url);
});
afterAll(async () => {
  await product.close();
  await redis.close();
});

/** A gateway on the use cases, whose jobs the test moves itself. */
async function gateway(options: Parameters<typeof startTestServer>[0] = {}) {
  const { jobs, feed } = product;
  const services = { ...(await testServices()), jobs, feed: feed as never };
  const { server } = await startTestServer({ services, ...options });
  const address = `${server.url}/mcp`;
  const post = (message: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      ...(signal && { signal }),
    });
  return { server, address, post };
}

const run = (prompt: string, id = 7) => ({
  id,
  method: 'tools/call',
  params: { name: 'textToImage', arguments: { prompt, waitSeconds: 60 }, _meta: { progressToken: 'p' } },
});

/** The job of this prompt, once there is one. */
const jobOf = (prompt: string): Promise<Job> =>
  vi.waitFor(
    async () => {
      const filter = { status: null, workflow: null, tag: null, createdAfter: null, createdBefore: null };
      const { anonymous } = await import('../../../src/callers/identity.ts');
      const { edges } = await product.jobs.list({ identity: anonymous, first: 100, after: null, filter });
      const found = edges.find(({ job }) => job.parameters.prompt === prompt);
      if (!found) throw new Error(`there is no job of ${prompt}`);
      return found.job;
    },
    { timeout: 30_000, interval: 20 },
  );
const statusOf = async ({ id }: Job) => (await product.gateway.get(id))?.status;
const untilStatus = (job: Job, status: string) =>
  vi.waitFor(async () => expect(await statusOf(job)).toBe(status), { timeout: 30_000, interval: 20 });

/** The messages of a stream. */
async function messagesOf(response: Response) {
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => JSON.parse(line.slice(6)));
}

it('a call of 2025 is cancelled by a request to whichever gateway, and of its own session only', async () => {
  const [here, there] = await Promise.all([gateway(), gateway()]);
  const begun = await here.post({
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'a', version: '1' } },
  });
  const session = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' };
  expect(session['mcp-session-id']).toMatch(/^[0-9a-f-]{36}$/);
  for (const [at, prompt] of [
    [here, 'cancelled here'],
    [there, 'cancelled there'],
  ] as const) {
    const id = prompt.length;
    const call = here.post(run(prompt, id), session);
    const job = await jobOf(prompt);
    const cancel = { method: 'notifications/cancelled', params: { requestId: id } };
    expect((await at.post(cancel, { 'mcp-session-id': 'another' })).status).toBe(202);
    expect((await at.post(cancel)).status).toBe(202);
    expect(await statusOf(job)).toBe('QUEUED');
    expect((await at.post(cancel, session)).status).toBe(202);
    await untilStatus(job, 'CANCELED');
    expect((await messagesOf(await call)).at(-1)?.result).toMatchObject({ isError: true });
  }
});

it('a client of 2025 that leaves cancels nothing; one of 2026 means to cancel', async () => {
  const { post, address } = await gateway();
  const leaving = new AbortController();
  const left = post(run('left'), {}, leaving.signal);
  const job = await jobOf('left');
  await (await left).body?.getReader().read();
  leaving.abort();

  const client = new Client({ name: 'a', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StreamableHTTPClientTransport(new URL(address)));
  onTestFinished(() => client.close());
  const abort = new AbortController();
  const { params } = run('meant');
  const call = client.callTool(params, { signal: abort.signal, onprogress: () => undefined });
  call.catch(() => undefined);
  const meant = await jobOf('meant');
  abort.abort();
  await untilStatus(meant, 'CANCELED');
  expect(await statusOf(job)).toBe('QUEUED');
});

it('a gateway that stops answers calls as they stand, with the job to ask for, and cancels nothing', async () => {
  const { server, address } = await gateway();
  const client = new Client({ name: 'a', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StreamableHTTPClientTransport(new URL(address)));
  onTestFinished(() => client.close());
  const call = client.callTool(run('goes on').params, { onprogress: () => undefined });
  const job = await jobOf('goes on');
  // Closing cuts streams, so what waits is answered before it.
  await server.endCalls();
  await server.close(1_000);
  expect(JSON.stringify((await call).content)).toContain(job.id);
  expect(await statusOf(job)).toBe('QUEUED');
});

it('tells progress and the end of a job that another has moved', async () => {
  const { post } = await gateway();
  const call = post(run('ends'));
  const job = await jobOf('ends');
  await (await product.start(job.id)).fail();
  const messages = await messagesOf(await call);
  expect(messages.at(0)).toMatchObject({
    method: 'notifications/progress',
    params: { progressToken: 'p', total: 100 },
  });
  expect(messages.at(-1)?.result).toMatchObject({
    isError: true,
    content: [{ text: expect.stringMatching(/^FAILED: EXECUTION_FAILED: no\b/) }],
  });
});

it('is not there where a gateway takes listed documents only', async () => {
  const { post } = await gateway({ mcp: false });
  expect((await post(run('none'))).status).toBe(404);
});

it('bounds bodies, calls that wait, and what it takes', async () => {
  const seen: string[] = [];
  const { post, address } = await gateway({
    ...{ maxOpen: 4, maxBodyBytes: 2_000 },
    onAnswered: (route, status) => void seen.push(`${route} ${status}`),
  });
  expect((await post(run('x'.repeat(3_000)))).status).toBe(413);
  expect((await fetch(address)).status).toBe(405);
  expect((await fetch(address, { method: 'DELETE' })).status).toBe(405);
  const form = { 'content-type': 'text/plain' };
  expect((await post(run('form'), form)).status).toBe(415);
  const batch = await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '[]' });
  expect([batch.status, await batch.json()]).toMatchObject([400, { jsonrpc: '2.0', error: { code: -32_000 } }]);

  const held: AbortController[] = [];
  for (const prompt of ['held 1', 'held 2']) {
    const leave = new AbortController();
    held.push(leave);
    void post(run(prompt), {}, leave.signal).catch(() => undefined);
    await jobOf(prompt);
  }
  const refused = await post(run('one too many'));
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
  expect((await post({ id: 1, method: 'tools/list', params: {} })).status).toBe(200);
  // What answers at once is not held up: with it a caller makes room.
  expect((await post({ ...run('cancel'), params: { name: 'cancel_job', arguments: { id: 'none' } } })).status).toBe(
    200,
  );
  for (const leave of held) leave.abort();
  await vi.waitFor(async () => expect((await post({ ...run('again'), params: { name: 'none' } })).status).toBe(200), {
    timeout: 30_000,
  });
  expect(new Set(seen)).toEqual(new Set(['mcp 413', 'mcp 405', 'mcp 415', 'mcp 400', 'mcp 429', 'mcp 200']));
});
