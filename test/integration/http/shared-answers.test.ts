import { createClient } from 'graphql-ws';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { testEvent } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';

const query = `
  subscription W($id: ID!, $known: Boolean!) { jobProgress(id: $id) { seq job { id status @include(if: $known) } } }
  subscription V($id: ID!, $known: Boolean!) { jobProgress(id: $id) { seq job { id workflow @include(if: $known) } } }
`;

/** A client with a socket of its own that watches; gives the data of each event. */
function watch(url: string, operationName: string, variables: { id: string; known: boolean }) {
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
  onTestFinished(() => client.terminate());
  const results = client.iterate({ query, operationName, variables });
  return async () => (await results.next()).value?.data;
}

test('watchers of one event with other variables, or another operation, get their own answers', async () => {
  const { socketUrl, services, server } = await startTestServer();
  services.feed.open('job');
  const watchers = [
    watch(socketUrl, 'W', { id: 'job', known: true }),
    watch(socketUrl, 'W', { id: 'job', known: false }),
    watch(socketUrl, 'V', { id: 'job', known: true }),
    watch(socketUrl, 'W', { id: 'job', known: true }),
  ];
  // They subscribe with the first event that they ask for.
  for (let seq = 2; seq < 5; seq += 1) {
    const answers = Promise.all(watchers.map((next) => next()));
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(watchers.length));
    services.feed.say('job', testEvent(seq));
    const { id, status, workflow } = testEvent(seq).job;
    expect(await answers).toEqual([
      { jobProgress: { seq, job: { id, status } } },
      { jobProgress: { seq, job: { id } } },
      { jobProgress: { seq, job: { id, workflow } } },
      { jobProgress: { seq, job: { id, status } } },
    ]);
  }
  expect(server.sockets()).toBe(watchers.length);
});
