import { request } from 'node:http';
import { createClient } from 'graphql-sse';
import { expect, onTestFinished, test, vi } from 'vitest';
import { unavailable } from '../../../src/core/errors.ts';
import { testEvent, testJob } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';

const watch = 'subscription W($id: ID!) { jobProgress(id: $id) { seq } }';
const watchLarge = 'subscription W($id: ID!) { jobProgress(id: $id) { job { id } } }';
const body = JSON.stringify({ query: watch, variables: { id: 'job' } });

/** A stream that stays open until the test lets go of it. */
function open(port: number, { origin, query = watch }: { origin?: string; query?: string } = {}) {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path: '/graphql',
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...(origin ? { origin } : {}) },
  });
  outgoing.on('error', () => {});
  outgoing.end(JSON.stringify({ query, variables: { id: 'job' } }));
  onTestFinished(() => void outgoing.destroy());
  return outgoing;
}

test("graphql-sse's client watches a job to its end", async () => {
  const { graphql, services } = await startTestServer();
  services.feed.open('job');
  const client = createClient({ url: graphql, retryAttempts: 0 });
  onTestFinished(() => client.dispose());
  const results = client.iterate({ query: watch, variables: { id: 'job' } });
  const first = results.next();
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  services.feed.say('job', testEvent(2));
  services.feed.say('job', testEvent(3, { type: 'SUCCEEDED' }));
  services.feed.end('job');
  expect((await first).value).toEqual({ data: { jobProgress: { seq: 2 } } });
  expect((await results.next()).value).toEqual({ data: { jobProgress: { seq: 3 } } });
  expect((await results.next()).done).toBe(true);
  expect(services.feed.stats().watchers).toBe(0);
});

test('a GET is streamed as well, as EventSource asks for it', async () => {
  const { graphql, services } = await startTestServer();
  services.feed.open('job');
  const query = new URLSearchParams({ query: 'subscription { jobProgress(id: "job") { seq } }' });
  const answer = await fetch(`${graphql}?${query}`, { headers: { accept: 'text/event-stream' } });
  expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
  services.feed.say('job', testEvent(2));
  services.feed.end('job');
  expect(await answer.text()).toContain('event: next\ndata: {"data":{"jobProgress":{"seq":2}}}\n\nevent: complete\n');
});

test('a client that leaves while nothing happens leaves nothing behind', async () => {
  const { server, services } = await startTestServer();
  services.feed.open('job');
  const outgoing = open(server.port);
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  outgoing.destroy();
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(0));
});

test('a client that stops reading is asked for no more, and leaves nothing behind', async () => {
  const { server, services, post } = await startTestServer();
  services.feed.open('job');
  const outgoing = open(server.port, { query: watchLarge });
  outgoing.on('response', (response) => response.pause());
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  // 50 MB are said; what the buffers of two sockets hold is taken, and no more.
  const large = testJob({ id: 'x'.repeat(100_000) });
  for (let seq = 2; seq < 502; seq += 1) services.feed.say('job', testEvent(seq, { job: large }));
  await vi.waitFor(() => expect(services.feed.requests()).toBeGreaterThan(2));
  // Time for all of it, counted in answers that others get meanwhile.
  for (let answers = 0; answers < 50; answers += 1) expect((await post({ query: '{ __typename }' })).status).toBe(200);
  expect(services.feed.requests()).toBeLessThan(200);
  outgoing.destroy();
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(0));
});

test('an outage in the middle is told with its code', async () => {
  const { graphql, services } = await startTestServer();
  services.feed.open('job');
  const answer = await fetch(graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body,
  });
  services.feed.fail('job', unavailable('redis is away', 1));
  expect(await answer.text()).toContain('"extensions":{"code":"UNAVAILABLE","retryAfter":1}');
});

test('a page of a foreign origin is refused (A51)', async () => {
  const { server } = await startTestServer();
  const outgoing = open(server.port, { origin: 'https://evil.test' });
  const status = await new Promise((resolve) => outgoing.on('response', (response) => resolve(response.statusCode)));
  expect(status).toBe(403);
});

test('a stream is cut, not completed, when the server stops: the job has not ended', async () => {
  const { server, services, graphql } = await startTestServer();
  services.feed.open('job');
  const answer = await fetch(graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body,
  });
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  const read = expect(answer.text()).rejects.toThrow();
  await server.close(1_000);
  await read;
  expect(services.feed.stats().watchers).toBe(0);
});
