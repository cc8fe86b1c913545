import { once } from 'node:events';
import { createClient } from 'graphql-ws';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { unavailable } from '../../../src/core/errors.ts';
import { testEvent, testJob } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';

interface Message {
  id?: string;
  type: string;
  payload?: unknown;
}

/** A socket that speaks the protocol by hand; messages are kept until they are asked for, so that none is missed. */
async function dial(
  url: string,
  options: { protocol?: string; origin?: string; headers?: { [name: string]: string } } = {},
) {
  const { protocol = 'graphql-transport-ws', ...rest } = options;
  const socket = new WebSocket(url, protocol, rest);
  const inbox: Message[] = [];
  const waiting: ((message: Message) => void)[] = [];
  socket.on('message', (data) => {
    const message: Message = JSON.parse(String(data));
    const next = waiting.shift();
    if (next) next(message);
    else inbox.push(message);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  const say = (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  const hear = () => {
    const message = inbox.shift();
    return message ? Promise.resolve(message) : new Promise<Message>((resolve) => waiting.push(resolve));
  };
  return { socket, closed, say, hear, inbox };
}

async function dialled(url: string) {
  const connection = await dial(url);
  connection.say({ type: 'connection_init' });
  expect(await connection.hear()).toEqual({ type: 'connection_ack' });
  return connection;
}

const watch = 'subscription W($id: ID!) { jobProgress(id: $id) { seq job { id status } } }';
const subscribe = (id: string, jobId: string, query = watch) => ({
  id,
  type: 'subscribe',
  payload: { query, variables: { id: jobId } },
});

describe('A50: closes a socket that breaks the protocol with the code for it', () => {
  test.each<[string, unknown[], number]>([
    ['a subscribe before the init', [subscribe('1', 'job')], 4401],
    ['a second init', [{ type: 'connection_init' }, { type: 'connection_init' }], 4429],
    ['no JSON', ['{'], 4400],
    ['an unknown type', [{ type: 'hello' }], 4400],
    ['a message that servers send', [{ type: 'connection_init' }, { id: '1', type: 'next', payload: {} }], 4400],
    ['an id in use', [{ type: 'connection_init' }, subscribe('1', 'job'), subscribe('1', 'job')], 4409],
    ['A55: a frame that is too large', ['x'.repeat(300_000)], 1009],
  ])('%s', async (_name, messages, code) => {
    const { socketUrl, services, lines } = await startTestServer();
    services.feed.open('job');
    const { say, hear, closed } = await dial(socketUrl);
    for (const message of messages) {
      say(message);
      if (messages.length > 2 && message === messages[0]) await hear();
    }
    expect((await closed).code).toBe(code);
    expect(lines.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });

  test('no init within the time for it', async () => {
    const { socketUrl } = await startTestServer({ webSocket: { initTimeoutMs: 50 } });
    expect((await (await dial(socketUrl)).closed).code).toBe(4408);
  });

  test('another subprotocol', async () => {
    const { socketUrl } = await startTestServer();
    const socket = new WebSocket(socketUrl, 'graphql-ws');
    // The server names no protocol, upon which clients fail by themselves.
    await expect(once(socket, 'open')).rejects.toThrow('no subprotocol');
    const bare = new WebSocket(socketUrl);
    const [code] = await once(bare, 'close');
    expect(code).toBe(4406);
  });
});

describe('who may connect', () => {
  test.each([
    ['A51: a foreign origin', { origin: 'https://evil.test' }, 403],
    ['a foreign Host', { headers: { host: 'evil.test' } }, 421],
  ])('%s is refused', async (_name, options, status) => {
    const { socketUrl } = await startTestServer();
    await expect(dial(socketUrl, options)).rejects.toThrow(`Unexpected server response: ${status}`);
  });

  test('other paths are 404, one socket too many is 503', async () => {
    const { socketUrl } = await startTestServer({ webSocket: { maxSockets: 1 } });
    await expect(dial(socketUrl.replace('/graphql', '/other'))).rejects.toThrow('404');
    await dialled(socketUrl);
    await expect(dial(socketUrl)).rejects.toThrow('503');
  });

  test("the gateway's own page may", async () => {
    const { socketUrl, server } = await startTestServer();
    await dial(socketUrl, { origin: server.url });
  });
});

test('watches a job to its end, then completes', async () => {
  const { socketUrl, services } = await startTestServer();
  services.feed.open('job');
  const { say, hear } = await dialled(socketUrl);
  say(subscribe('a', 'job'));
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  services.feed.say('job', testEvent(3));
  services.feed.say('job', testEvent(4, { type: 'SUCCEEDED', job: testJob({ status: 'SUCCEEDED' }) }));
  services.feed.end('job');
  const { id } = testJob();
  expect(await hear()).toEqual({
    id: 'a',
    type: 'next',
    payload: { data: { jobProgress: { seq: 3, job: { id, status: 'RUNNING' } } } },
  });
  expect(await hear()).toMatchObject({ id: 'a', type: 'next', payload: { data: { jobProgress: { seq: 4 } } } });
  expect(await hear()).toEqual({ id: 'a', type: 'complete' });
  expect(services.feed.stats().watchers).toBe(0);
});

test('watchers that ask the same share an answer, those that ask otherwise get their own', async () => {
  const { socketUrl, services } = await startTestServer();
  services.feed.open('job');
  let executed = 0;
  const job = testJob({ status: 'QUEUED' });
  services.jobs.queuePosition = async () => {
    executed += 1;
    return executed;
  };
  const query = 'subscription W($id: ID!) { jobProgress(id: $id) { job { queuePosition } } }';
  const connections = await Promise.all([dialled(socketUrl), dialled(socketUrl), dialled(socketUrl)]);
  for (const [i, { say }] of connections.entries()) say(subscribe(`"${i}`, 'job', i === 2 ? `${query} ` : query));
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(3));
  services.feed.say('job', testEvent(2, { job }));
  const answers = await Promise.all(connections.map(({ hear }) => hear()));
  expect(answers.map(({ id }) => id)).toEqual(['"0', '"1', '"2']);
  expect(answers[0]?.payload).toEqual(answers[1]?.payload);
  expect(answers[2]?.payload).not.toEqual(answers[0]?.payload);
  expect(executed).toBe(2);
});

test('a MOVED event shows the place that it is about, and nobody asks for it again', async () => {
  const { socketUrl, services } = await startTestServer();
  services.feed.open('job');
  const query = 'subscription W($id: ID!) { jobProgress(id: $id) { seq type job { status queuePosition } } }';
  const { say, hear } = await dialled(socketUrl);
  say(subscribe('a', 'job', query));
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  services.feed.say('job', testEvent(2, { type: 'MOVED', queuePosition: 4, job: testJob({ status: 'QUEUED' }) }));
  const { payload } = await hear();
  expect(payload).toEqual({
    data: { jobProgress: { seq: 2, type: 'MOVED', job: { status: 'QUEUED', queuePosition: 4 } } },
  });
});

test('A56: a faulty operation is answered by itself, and its siblings go on', async () => {
  const { socketUrl, services } = await startTestServer();
  services.feed.open('job');
  const { say, hear, socket } = await dialled(socketUrl);
  say(subscribe('good', 'job'));
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  const refusals: [string, string][] = [
    ['subscription {', 'GRAPHQL_PARSE_FAILED'],
    ['subscription { nope }', 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription { jobProgress(id: "job") @skip(if: true) { seq } }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'subscription S($s: Boolean!) { ...F } fragment F on Subscription { jobProgress(id: "job") ' +
        '@include(if: $s) { seq } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'subscription { ... on Subscription @skip(if: true) { jobProgress(id: "job") { seq } } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['subscription { jobProgress(id: "job", afterSeq: 1.5) { seq } }', 'BAD_USER_INPUT'],
    [`subscription { jobProgress(id: "job") ${'{job'.repeat(16)}${'}'.repeat(16)} }`, 'LIMIT_EXCEEDED'],
    ['mutation { deleteJob(id: "job") }', 'FORBIDDEN'],
    ['query A { __typename } query B { __typename }', 'OPERATION_RESOLUTION_FAILURE'],
  ];
  for (const [query, code] of refusals) {
    say({ id: 'bad', type: 'subscribe', payload: { query } });
    expect(await hear()).toMatchObject({ id: 'bad', type: 'error', payload: [{ extensions: { code } }] });
  }
  services.feed.say('job', testEvent(2));
  expect(await hear()).toMatchObject({ id: 'good', type: 'next' });
  expect(socket.readyState).toBe(socket.OPEN);
});

test('what is wrong with the arguments, or with the job, is told with its code', async () => {
  const { socketUrl } = await startTestServer();
  const { say, hear } = await dialled(socketUrl);
  const query = 'subscription W($id: ID!, $afterSeq: Int) { jobProgress(id: $id, afterSeq: $afterSeq) { seq } }';
  const tries: [object, string][] = [
    [{ id: 'absent' }, 'NOT_FOUND'],
    [{ id: 'absent', afterSeq: -1 }, 'BAD_USER_INPUT'],
    [{ id: 'absent', afterSeq: 'x' }, 'BAD_USER_INPUT'],
    [{}, 'BAD_USER_INPUT'],
  ];
  for (const [variables, code] of tries) {
    say({ id: '1', type: 'subscribe', payload: { query, variables } });
    expect(await hear()).toMatchObject({ id: '1', payload: { errors: [{ extensions: { code } }] } });
    expect(await hear()).toEqual({ id: '1', type: 'complete' });
  }
});

test('an outage in the middle ends the operation with its code and nothing of its cause', async () => {
  const { socketUrl, services, lines } = await startTestServer();
  services.feed.open('one');
  services.feed.open('two');
  const { say, hear } = await dialled(socketUrl);
  say(subscribe('1', 'one'));
  say(subscribe('2', 'two'));
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(2));
  services.feed.fail('one', unavailable('redis is away', 1));
  expect(await hear()).toEqual({
    id: '1',
    type: 'error',
    payload: [{ message: 'redis is away', extensions: { code: 'UNAVAILABLE', retryAfter: 1 } }],
  });
  services.feed.fail('two', new Error('10.0.0.1 refused'));
  expect(await hear()).toEqual({
    id: '2',
    type: 'error',
    payload: [{ message: 'Unexpected error.', extensions: { code: 'INTERNAL' } }],
  });
  expect(lines).toEqual([
    expect.objectContaining({
      err: expect.objectContaining({ message: '10.0.0.1 refused' }),
      requestId: expect.any(String),
    }),
  ]);
});

test('answers queries, also beside a subscription', async () => {
  const { socketUrl } = await startTestServer();
  const { say, hear } = await dialled(socketUrl);
  say({ id: '1', type: 'subscribe', payload: { query: '{ health { status } }' } });
  expect(await hear()).toEqual({ id: '1', type: 'next', payload: { data: { health: { status: 'HEALTHY' } } } });
  expect(await hear()).toEqual({ id: '1', type: 'complete' });
});

test('A54: one operation too many on a socket is refused, until another has ended', async () => {
  const { socketUrl, services } = await startTestServer({ webSocket: { maxOperations: 2 } });
  services.feed.open('job');
  const { say, hear } = await dialled(socketUrl);
  for (const id of ['1', '2', '3']) say(subscribe(id, 'job'));
  expect(await hear()).toMatchObject({ id: '3', type: 'error', payload: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] });
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(2));
  say({ id: '1', type: 'complete' });
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  say(subscribe('4', 'job'));
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(2));
});

/**
 * Sockets are pinged when the test says so: a machine that stands still for a moment keeps answers from being read in
 * time.
 */
function heldPings(intervalMs: number) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  return () => void vi.advanceTimersByTime(intervalMs);
}

describe('leaves nothing behind', () => {
  test.each(['close', 'terminate'] as const)('when a client goes by %s', async (how) => {
    const { socketUrl, services } = await startTestServer();
    services.feed.open('job');
    const { say, socket } = await dialled(socketUrl);
    for (const id of ['1', '2', '3']) say(subscribe(id, 'job'));
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(3));
    socket[how]();
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(0));
  });

  test('when an id is completed and used again in one breath', async () => {
    const { socketUrl, services } = await startTestServer();
    services.feed.open('job');
    const { say, socket } = await dialled(socketUrl);
    say(subscribe('1', 'job'));
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
    say({ id: '1', type: 'complete' });
    say(subscribe('1', 'job'));
    socket.close();
    await once(socket, 'close');
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(0));
  });

  test('A58: when a client no longer answers pings', async () => {
    const pingIntervalMs = 3_600_000;
    const ping = heldPings(pingIntervalMs);
    const cuts: string[] = [];
    const onSocketCut = (why: string) => void cuts.push(why);
    const { socketUrl, services } = await startTestServer({ webSocket: { pingIntervalMs }, onSocketCut });
    services.feed.open('job');
    const { say, socket, closed } = await dialled(socketUrl);
    say(subscribe('1', 'job'));
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
    socket.pong = () => {};
    const pinged = once(socket, 'ping');
    ping();
    await pinged;
    ping();
    expect((await closed).code).toBe(1006);
    expect(cuts).toEqual(['silent']);
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(0));
  });

  test('and a client that answers them stays', async () => {
    const pingIntervalMs = 3_600_000;
    const ping = heldPings(pingIntervalMs);
    const { socketUrl } = await startTestServer({ webSocket: { pingIntervalMs } });
    const { socket, say, hear } = await dialled(socketUrl);
    for (let pings = 0; pings < 5; pings += 1) {
      const pinged = once(socket, 'ping');
      ping();
      await pinged;
      // Behind its answer on the same connection.
      say({ type: 'ping' });
      expect(await hear()).toEqual({ type: 'pong' });
    }
    expect(socket.readyState).toBe(socket.OPEN);
  });
});

test('B07 each socket is pinged at its own time: those of a crowd are not all pinged in one piece', async () => {
  const pingIntervalMs = 3_600_000;
  const passHalf = heldPings(pingIntervalMs / 2);
  const { socketUrl } = await startTestServer({ webSocket: { pingIntervalMs } });
  const first = await dialled(socketUrl);
  passHalf();
  const second = await dialled(socketUrl);
  let secondPings = 0;
  second.socket.on('ping', () => secondPings++);
  const pinged = once(first.socket, 'ping');
  passHalf();
  await pinged;
  // Behind a ping of that moment on the same connection.
  second.say({ type: 'ping' });
  expect(await second.hear()).toEqual({ type: 'pong' });
  expect(secondPings).toBe(0);
  const secondPinged = once(second.socket, 'ping');
  passHalf();
  await secondPinged;
});

test('C20: a client that stops reading is asked for no more events, and others are not held up', async () => {
  const { socketUrl, services, post } = await startTestServer();
  services.feed.open('slow');
  services.feed.open('other');
  const slow = await dialled(socketUrl);
  slow.say(subscribe('1', 'slow'));
  const other = await dialled(socketUrl);
  other.say(subscribe('1', 'other'));
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(2));
  slow.socket.pause();
  const before = services.feed.requests();
  const large = testJob({ id: 'x'.repeat(100_000) });
  for (let seq = 2; seq < 502; seq += 1) services.feed.say('slow', testEvent(seq, { job: large }));
  services.feed.say('other', testEvent(2));
  expect(await other.hear()).toMatchObject({ type: 'next' });
  // 50 MB were said; what the buffers of two sockets hold was taken, and no more. Time is counted in answers to others.
  await vi.waitFor(() => expect(services.feed.requests() - before).toBeGreaterThan(2));
  for (let answers = 0; answers < 50; answers += 1) expect((await post({ query: '{ __typename }' })).status).toBe(200);
  expect(services.feed.requests() - before).toBeLessThan(200);
});

test('C20: a client that asks and does not read is answered little more than its connection holds', async () => {
  const { socketUrl, services } = await startTestServer();
  const asked = vi.spyOn(services.jobs, 'get').mockResolvedValue(testJob({ id: 'x'.repeat(1_000_000) }));
  const slow = await dialled(socketUrl);
  slow.socket.pause();
  const query = 'query J($id: ID!) { job(id: $id) { id } }';
  for (let i = 0; i < 100; i++) slow.say(subscribe(String(i), 'job', query));
  const other = await dialled(socketUrl);
  other.say(subscribe('1', 'job', '{ __typename }'));
  expect(await other.hear()).toMatchObject({ type: 'next' });
  expect(asked.mock.calls.length).toBeLessThan(30);

  slow.socket.resume();
  const ended = new Set();
  while (ended.size < 100) {
    const { type, id } = await slow.hear();
    if (type === 'complete') ended.add(id);
  }
  expect(asked).toHaveBeenCalledTimes(100);
});

test("graphql-ws's own client gets its events, and is sent elsewhere with 1001 when the server stops", async () => {
  const { socketUrl, services, server } = await startTestServer();
  services.feed.open('job');
  const client = createClient({ url: socketUrl, webSocketImpl: WebSocket, retryAttempts: 0, lazy: true });
  onTestFinished(() => client.terminate());
  const results = client.iterate({ query: watch, variables: { id: 'job' } });
  const first = results.next();
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  services.feed.say('job', testEvent(2));
  expect((await first).value).toMatchObject({ data: { jobProgress: { seq: 2 } } });
  const closed = new Promise((resolve) => client.on('closed', resolve));
  const rest = expect(results.next()).rejects.toMatchObject({ code: 1001 });
  await server.close(1_000);
  expect(await closed).toMatchObject({ code: 1001 });
  await rest;
  expect(services.feed.stats().watchers).toBe(0);
});
