import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createPlans, noPlan, type Plan } from '../../../src/callers/plans.ts';
import { testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

const WATCH = 'subscription { jobProgress(id: "job") { seq } }';

/** A server for two callers of a plan, one of a plan that is not installed, and one without. */
async function start(bounds: Partial<Plan>) {
  const small = { ...noPlan, name: 'small', ...bounds };
  const services = await testServices({ plans: createPlans(() => new Map([['small', small]])) });
  const callers = testCallers({
    a: testIdentity('a', { plan: 'small' }),
    b: testIdentity('b', { plan: 'small' }),
    lost: testIdentity('lost', { plan: 'gone' }),
    free: testIdentity('free'),
  });
  const server = await startTestServer({ ...callers, services });
  services.feed.open('job');

  /** Opens a socket: the type of the message that answers, or the code that it is closed with. */
  async function dial(token: string) {
    const socket = new WebSocket(server.socketUrl, 'graphql-transport-ws');
    onTestFinished(() => socket.terminate());
    const said: { id?: string; type: string; payload?: unknown }[] = [];
    socket.on('message', (data) => said.push(JSON.parse(String(data))));
    const closed = once(socket, 'close').then(([code]) => Number(code));
    await once(socket, 'open');
    const answered = once(socket, 'message').then(() => 'open' as const);
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    const outcome = await Promise.race([answered, closed]);
    return { socket, said, outcome, closed };
  }

  async function watch(token: string) {
    const leave = new AbortController();
    onTestFinished(() => leave.abort());
    const headers = {
      ...{ 'content-type': 'application/json', accept: 'text/event-stream' },
      authorization: `Bearer ${token}`,
    };
    const body = JSON.stringify({ query: WATCH });
    const answer = await fetch(server.graphql, { method: 'POST', headers, body, signal: leave.signal });
    return { status: answer.status, leave: () => leave.abort() };
  }
  return { ...server, dial, watch };
}

test('a caller has as many sockets as its plan says, and others have theirs', async () => {
  const { dial } = await start({ sockets: 2 });
  const first = await dial('a');
  const outcomes = [first, await dial('a'), await dial('b'), await dial('free')].map(({ outcome }) => outcome);
  expect(outcomes).toEqual(['open', 'open', 'open', 'open']);
  expect((await dial('a')).outcome).toBe(1013);
  first.socket.close();
  await first.closed;
  await expect.poll(async () => (await dial('a')).outcome).toBe('open');
  expect((await dial('lost')).outcome).toBe(1013);
});

test('a caller has as many subscriptions as its plan says, over sockets and by events together', async () => {
  const { dial, watch, services } = await start({ subscriptions: 2 });
  const { socket, said } = await dial('a');
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: WATCH } }));
  await expect.poll(() => services.feed.stats().watchers).toBe(1);
  const second = await watch('a');
  expect(second.status).toBe(200);
  expect((await watch('a')).status).toBe(429);
  socket.send(JSON.stringify({ id: '2', type: 'subscribe', payload: { query: WATCH } }));
  await expect
    .poll(() => said.at(-1))
    .toMatchObject({
      id: '2',
      type: 'error',
      payload: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
    });
  // Queries are not counted.
  socket.send(JSON.stringify({ id: '3', type: 'subscribe', payload: { query: '{ __typename }' } }));
  await expect.poll(() => said.at(-1)).toMatchObject({ id: '3', type: 'complete' });
  expect((await watch('b')).status).toBe(200);
  expect((await watch('lost')).status).toBe(429);
  second.leave();
  await expect.poll(async () => (await watch('a')).status).toBe(200);
});
