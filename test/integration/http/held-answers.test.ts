import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import type { HttpTimeouts } from '../../../src/http/server.ts';
import { testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';
import { openUseCases } from '../../support/use-cases.ts';

let redis: TestRedis;

beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

interface StartOptions {
  maxHeld?: number;
  timeouts?: Partial<HttpTimeouts>;
  callers?: ReturnType<typeof testCallers>;
}

async function start({ timeouts, callers, ...options }: StartOptions = {}) {
  const product = await openUseCases(redis.url, options);
  onTestFinished(product.close);
  const { jobs, feed, changes } = product;
  const services = { ...(await testServices()), jobs, changes };
  const running = await startTestServer({
    services: { ...services, feed: { ...services.feed, ...feed } },
    timeouts,
    authenticator: callers?.authenticator,
    sessions: callers?.sessions,
  });
  const ask = async (query: string, variables: object = {}) => (await running.post({ query, variables })).json();
  return { ...product, ...running, ask };
}

type Started = Awaited<ReturnType<typeof start>>;

const waiting = ({ longPoll, feed }: Started, count: number) =>
  vi.waitFor(() => expect([longPoll.count(), feed.stats().watchers]).toEqual([count, count]), { timeout: 5_000 });

/** A client whose socket is there. */
async function dial({ socketUrl }: Started) {
  const codes: number[] = [];
  const client = createClient({
    url: socketUrl,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazy: false,
    onNonLazyError: () => undefined,
    on: { closed: (event) => codes.push(Object(event).code) },
  });
  onTestFinished(() => void client.dispose());
  await new Promise((connected) => client.on('connected', connected));
  return { client, codes };
}

const GENERATE = `mutation Generate($key: String!, $wait: Int) {
  generate(input: { idempotencyKey: $key, waitSeconds: $wait, workflow: { textToImage: { prompt: "a boat" } } }) {
    replayed job { id status artifacts { url } } } }`;
const HELD = 'query Held($id: ID!) { job(id: $id, waitSeconds: 60) { status artifacts { filename } } }';

describe('waitSeconds', () => {
  test('an answer is held for longer than a request may take to come, and brings the results', async () => {
    const started = await start({ timeouts: { headersMs: 400, requestMs: 500, keepAliveMs: 400 } });
    const answer = started.ask(GENERATE, { key: 'one', wait: 60 });
    await waiting(started, 1);
    const [id = ''] = await started.redis.zrange(started.keys.open, 0, 0);
    // The server looks for requests that take too long every 500 ms: it has done so by the time this one ends.
    const beside = await started.ask('query($id: ID!) { job(id: $id, waitSeconds: 2) { status } }', { id });
    expect(beside).toEqual({ data: { job: { status: 'QUEUED' } } });
    await (await started.start(id)).succeed();
    const { data } = await answer;
    expect(data.generate).toMatchObject({ replayed: false, job: { id, status: 'SUCCEEDED' } });
    expect(data.generate.job.artifacts[0].url).toMatch(/^https:\/\/files\.test\//);
  });

  test('A53: it ends with the key that asked, as if nothing had been there', async () => {
    const callers = testCallers({ right: testIdentity('me') });
    const started = await start({ callers });
    const authorization = 'Bearer right';
    const generated = started.post({ query: GENERATE, variables: { key: 'one', wait: 60 } }, { authorization });
    await waiting(started, 1);
    const [id = ''] = await started.redis.zrange(started.keys.open, 0, 0);
    const held = started.post({ query: HELD, variables: { id } }, { authorization });
    await waiting(started, 2);
    callers.revoke('right');
    for (const [name, answer] of [
      ['generate', await generated],
      ['job', await held],
    ] as const) {
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      expect(await answer.json()).toEqual({
        data: { [name]: null },
        errors: [expect.objectContaining({ extensions: { code: 'UNAUTHENTICATED' } })],
      });
    }
    expect([started.longPoll.count(), started.feed.stats().watchers, callers.followed()]).toEqual([0, 0, 0]);
  });

  test('is there over a WebSocket as well', async () => {
    const started = await start();
    const { job } = await started.generate();
    const { client } = await dial(started);
    const answer = client.iterate({ query: HELD, variables: { id: job.id } }).next();
    await waiting(started, 1);
    await (await started.start(job.id)).succeed();
    expect((await answer).value).toEqual({
      data: { job: { status: 'SUCCEEDED', artifacts: [{ filename: 'a.png' }] } },
    });
    await waiting(started, 0);
  });

  test('a client that leaves is not waited for, however it was connected', async () => {
    const started = await start();
    const { job } = await started.generate();
    const leaving = new AbortController();
    const body = JSON.stringify({ query: HELD, variables: { id: job.id } });
    const headers = { 'content-type': 'application/json' };
    const lost = fetch(started.graphql, { method: 'POST', headers, body, signal: leaving.signal }).catch(() => 'lost');
    const [vanishing, leavingSocket] = [await dial(started), await dial(started)];
    for (const { client } of [vanishing, leavingSocket]) {
      client
        .iterate({ query: HELD, variables: { id: job.id } })
        .next()
        .catch(() => undefined);
    }
    await waiting(started, 3);
    leaving.abort();
    expect(await lost).toBe('lost');
    await waiting(started, 2);
    vanishing.client.terminate();
    await waiting(started, 1);
    await leavingSocket.client.dispose();
    await waiting(started, 0);
  });

  test('a gateway that stops answers those who wait with the job as it is', async () => {
    const started = await start();
    const answers = [1, 2, 3].map((n) => started.post({ query: GENERATE, variables: { key: `stop ${n}`, wait: 60 } }));
    await waiting(started, 3);
    const began = performance.now();
    started.longPoll.close();
    const closed = started.server.close(20_000);
    for (const answer of await Promise.all(answers)) {
      expect(answer.status).toBe(200);
      expect((await answer.json()).data.generate.job.status).toBe('QUEUED');
    }
    await closed;
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('says what is wrong with it, and when too many wait', async () => {
    const started = await start({ maxHeld: 1 });
    const { job } = await started.generate();
    for (const wait of [-1, 61]) {
      const { errors } = await started.ask(GENERATE, { key: 'k', wait });
      expect(errors[0].extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        issues: [{ path: ['input', 'waitSeconds'] }],
      });
      const { errors: other } = await started.ask(`{ job(id: "${job.id}", waitSeconds: ${wait}) { id } }`);
      expect(other[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', issues: [{ path: ['waitSeconds'] }] });
    }
    const held = started.ask(HELD, { id: job.id });
    await waiting(started, 1);
    const { data, errors } = await started.ask(GENERATE, { key: 'k', wait: 1 });
    expect(data).toEqual({ generate: null });
    expect(errors[0].extensions.code).toBe('LIMIT_EXCEEDED');
    expect((await started.ask(GENERATE, { key: 'k' })).data.generate.replayed).toBe(false);
    await started.jobs.cancel('anonymous', job.id);
    expect((await held).data.job.status).toBe('CANCELED');
  });
});

test('retryJob runs an ended job again, and says why it does not', async () => {
  const { ask, generate, jobs } = await start();
  const retry = (id: string, key: string) =>
    ask(
      'mutation R($id: ID!, $key: String!) { retryJob(id: $id, idempotencyKey: $key) { replayed job { id ' +
        'retryOf parameters } } }',
      {
        id,
        key,
      },
    );
  const { job } = await generate();
  expect((await retry(job.id, 'k')).errors[0].extensions.code).toBe('CONFLICT');
  await jobs.cancel('anonymous', job.id);
  const { data } = await retry(job.id, 'k');
  expect(data.retryJob).toMatchObject({ replayed: false, job: { retryOf: job.id, parameters: job.parameters } });
  expect((await retry(job.id, 'k')).data.retryJob).toEqual({ ...data.retryJob, replayed: true });
  expect((await retry(job.id, '')).errors[0].extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    issues: [{ path: ['idempotencyKey'] }],
  });
  expect((await retry('none', 'k2')).errors[0].extensions.code).toBe('NOT_FOUND');
});

describe('jobsProgress', () => {
  const WATCH = 'subscription All($filter: JobFilter) { jobsProgress(filter: $filter) { seq type job { id status } } }';

  test('tells over a WebSocket of all jobs that fit, and is closed with 1001 when the gateway stops', async () => {
    const started = await start();
    const { client, codes } = await dial(started);
    const events = client.iterate({ query: WATCH, variables: { filter: { tag: 'mine', status: ['CANCELED'] } } });
    const first = events.next();
    await vi.waitFor(() => expect(started.changes.stats().watchers).toBe(1));
    await started.jobs.cancel('anonymous', (await started.generate()).job.id);
    const { job } = await started.generate({ tags: ['mine'] });
    await started.jobs.cancel('anonymous', job.id);
    expect((await first).value).toEqual({
      data: { jobsProgress: { seq: 2, type: 'CANCELED', job: { id: job.id, status: 'CANCELED' } } },
    });
    const lost = expect(events.next()).rejects.toMatchObject({ code: 1001 });
    await started.server.close(1_000);
    await lost;
    expect(codes).toEqual([1001]);
    await vi.waitFor(() => expect(started.changes.stats()).toEqual({ watchers: 0, callers: 0 }));
  });

  const listSchema = z.object({
    data: z.object({ jobs: z.object({ nodes: z.array(z.object({ id: z.string(), seq: z.int() })) }) }),
  });

  test('a list that is asked for behind it, over the same socket, and its events leave no gap', async () => {
    const started = await start();
    const rounds = 25;
    const seen = [];
    let made = 0;
    for (let round = 0; round < rounds; round++) {
      const { client } = await dial(started);
      const lives = Promise.all(
        [1, 2, 3].map(async () => {
          const { job } = await started.generate();
          await started.jobs.cancel('anonymous', job.id);
          made++;
        }),
      );
      const events = new Map<string, number[]>();
      const following = (async () => {
        for await (const { data } of client.iterate<{ jobsProgress: { seq: number; job: { id: string } } }>({
          query: WATCH,
        })) {
          if (!data) continue;
          const { seq, job } = data.jobsProgress;
          events.set(job.id, [...(events.get(job.id) ?? []), seq]);
        }
      })();
      const list = await client.iterate({ query: '{ jobs(first: 100) { nodes { id seq } } }' }).next();
      const { nodes } = listSchema.parse(list.value).data.jobs;
      seen.push({
        listed: new Map(nodes.map(({ id, seq }) => [id, seq])),
        events,
        client,
        following,
      });
      await lives;
    }
    expect(made).toBe(rounds * 3);
    const all = await started.redis.zrange(started.keys.jobs('anonymous'), 0, -1);
    for (const { listed, events, client, following } of seen) {
      await vi.waitFor(() => {
        const missing = all.filter((id) => listed.get(id) !== 2 && events.get(id)?.at(-1) !== 2);
        expect(missing).toEqual([]);
        // Its acceptance too, for one that the list did not have.
        for (const id of all) if (!listed.has(id)) expect(events.get(id)).toEqual([1, 2]);
      });
      await client.dispose();
      await following;
    }
  });

  test('streams over SSE, and says so when events were missed', async () => {
    const started = await start();
    const answer = await fetch(started.graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: WATCH }),
    });
    // It is in force by the time that the answer begins.
    const { job } = await started.generate();
    await started.jobs.cancel('anonymous', job.id);
    let text = '';
    const decoder = new TextDecoder();
    const reading = (async () => {
      for await (const chunk of answer.body ?? []) text += decoder.decode(chunk, { stream: true });
    })();
    await vi.waitFor(() => expect(text).toContain('"CANCELED"'));
    await started.redis.del(started.keys.changes('anonymous'));
    await reading;
    expect(text.match(/"type":"(\w+)"/g)).toEqual(['"type":"QUEUED"', '"type":"CANCELED"']);
    expect(text).toContain('"code":"UNAVAILABLE"');
    expect(text).toContain('read `jobs` again');
    expect(started.changes.stats()).toEqual({ watchers: 0, callers: 0 });
  });
});
