import { request } from 'node:http';
import { createClient } from 'graphql-sse';
import { expect, onTestFinished, test, vi } from 'vitest';
import { notFound, unavailable } from '../../../src/core/errors.ts';
import type { JobEvent } from '../../../src/core/events.ts';
import { testEvent, testJob, testServices } from '../../support/graph-services.ts';
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

/** Asks as EventSource does, which has seen the event with this id when it comes again. */
function source(graphql: string, query: string, lastEventId?: string) {
  const headers = { accept: 'text/event-stream', ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) };
  return fetch(`${graphql}?${new URLSearchParams({ query })}`, { headers });
}

/** The ids and types of the events of a stream, in order; null where there is no id. */
function idsIn(stream: string) {
  const events = stream.split('\n\n').filter((each) => each.includes('event: next'));
  return events.map((each) => [/^id: (.*)$/m.exec(each)?.[1] ?? null, /"type":"(\w+)"/.exec(each)?.[1] ?? null]);
}

const typed = 'subscription { progress: jobProgress(id: "job") { type } }';

test('each event has its number as its id, but those that have none of their own', async () => {
  const { graphql, services } = await startTestServer();
  services.feed.open('job');
  const answer = await source(graphql, typed);
  const ended = testJob({ seq: 5, status: 'SUCCEEDED' });
  services.feed.say('job', testEvent(3, { type: 'SNAPSHOT' }));
  services.feed.say('job', testEvent(4));
  services.feed.say('job', testEvent(4, { type: 'PREVIEW' }));
  services.feed.say('job', testEvent(5, { type: 'SNAPSHOT', job: ended }));
  services.feed.say('job', testEvent(5, { type: 'SUCCEEDED', job: ended }));
  services.feed.end('job');
  expect(idsIn(await answer.text())).toEqual([
    ['3', 'SNAPSHOT'],
    ['4', 'PROGRESS'],
    [null, 'PREVIEW'],
    // Whoever has seen only this one must still get the end behind it.
    [null, 'SNAPSHOT'],
    ['5', 'SUCCEEDED'],
  ]);
});

test('a client that comes again goes on behind the event that it has seen, whatever its operation says', async () => {
  const services = await testServices();
  const watch = vi.spyOn(services.feed, 'watch');
  services.feed.open('job');
  const { graphql } = await startTestServer({ services });
  const given = 'subscription { jobProgress(id: "job", afterSeq: 3) { type } }';
  for (const [lastEventId, afterSeq] of [
    [undefined, 3],
    ['7', 7],
    ['0', 0],
    ['x', 3],
    ['-1', 3],
    ['end', 3],
  ] as const) {
    const leaving = new AbortController();
    const headers = { accept: 'text/event-stream, */*', ...(lastEventId && { 'last-event-id': lastEventId }) };
    const query = new URLSearchParams({ query: given });
    const answer = await fetch(`${graphql}?${query}`, { headers, signal: leaving.signal });
    expect(answer.status).toBe(200);
    expect(watch).toHaveBeenLastCalledWith(expect.objectContaining({ jobId: 'job', afterSeq }));
    leaving.abort();
  }
});

test('a client that comes again when all has been told is answered 204, so that it stops', async () => {
  const services = await testServices();
  const watch = vi.spyOn(services.feed, 'watch');
  services.feed.open('job');
  const { graphql } = await startTestServer({ services });
  watch.mockImplementation(async () => {
    const over: AsyncIterableIterator<JobEvent> = {
      next: async () => ({ done: true, value: undefined }),
      [Symbol.asyncIterator]: () => over,
    };
    return over;
  });
  const again = await source(graphql, typed, '5');
  expect([again.status, await again.text(), again.headers.get('content-type')]).toEqual([204, '', null]);
  // For the first time it is told that there is nothing.
  const first = await source(graphql, typed);
  expect([first.status, await first.text()]).toEqual([200, expect.stringContaining('event: complete')]);
});

test('what will not change by asking again has an id at which asking again ends', async () => {
  const { graphql, services } = await startTestServer();
  const missing = await (await source(graphql, typed)).text();
  expect(missing).toContain('NOT_FOUND');
  expect(missing).toContain('id: end\n');
  const invalid = await (await source(graphql, '{ nothing }')).text();
  expect(invalid).toContain('id: end\n');
  expect(invalid).not.toContain('"http"');
  const again = await source(graphql, typed, 'end');
  expect([again.status, await again.text()]).toEqual([204, '']);

  services.feed.open('job');
  const lost = await source(graphql, typed, '4');
  services.feed.fail('job', unavailable('redis is away', 1));
  expect(await lost.text()).not.toContain('id:');
  const removed = await source(graphql, typed, '4');
  services.feed.fail('job', notFound('job'));
  expect(await removed.text()).toContain('id: end\n');
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
