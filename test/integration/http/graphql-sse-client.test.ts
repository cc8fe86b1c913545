import { expect, onTestFinished, test, vi } from 'vitest';
import { createGatewayClient } from '../../../examples/graphql-sse/client.ts';
import { testEvent, testJob } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

const query = 'subscription W($id: ID!, $afterSeq: Int) { jobProgress(id: $id, afterSeq: $afterSeq) { seq } }';
const { id } = testJob();

test('a stream whose token has ended goes on behind the last event, once the login gives another', async () => {
  const callers = testCallers();
  const { services, graphql } = await startTestServer(callers);
  services.feed.open(id);
  const watches = vi.spyOn(services.feed, 'watch');
  onTestFinished(() => void vi.restoreAllMocks());
  const states: string[] = [];
  let asked = 0;
  const client = createGatewayClient(
    graphql,
    (state) => states.push(state),
    async () => {
      asked += 1;
      if (asked === 2) throw new Error('the login is away');
      callers.add(`token-${asked}`, testIdentity('me', { keyId: `token-${asked}` }));
      return `token-${asked}`;
    },
  );
  const events = client.results<{ jobProgress: { seq: number } }>({ query, variables: { id } });
  onTestFinished(client.close);
  async function hears(seq: number) {
    const heard = events.next();
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
    services.feed.say(id, testEvent(seq));
    expect((await heard).value).toEqual({ jobProgress: { seq } });
  }
  await hears(5);
  callers.revoke('token-1');
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(0));
  await hears(6);
  expect(watches.mock.calls.map(([request]) => request.afterSeq)).toEqual([null, 5]);
  expect(states).toEqual(['lost', 'online']);
  services.feed.end(id);
  expect((await events.next()).done).toBe(true);
});
