import { once } from 'node:events';
import { createClient } from 'graphql-ws';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { anonymous } from '../../../src/callers/identity.ts';
import { unavailable } from '../../../src/core/errors.ts';
import { testEvent } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

const WATCH = 'subscription { jobProgress(id: "job") { seq } }';
const subscribe = (id: string) => ({ id, type: 'subscribe', payload: { query: WATCH } });
const expiresAt = Date.UTC(2030, 0, 31, 12);

async function start(options: Parameters<typeof startTestServer>[0] = {}) {
  const callers = testCallers({ right: testIdentity('me', { expiresAt }) });
  const server = await startTestServer({ ...callers, ...options });
  server.services.feed.open('job');
  return { ...server, callers };
}

interface Message {
  id?: string;
  type: string;
  payload?: unknown;
}

async function dial(url: string, init?: { payload?: unknown }) {
  const socket = new WebSocket(url, 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  const messages: Message[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  const closed = new Promise<[number, string]>((resolve) => {
    socket.on('close', (code, reason) => resolve([code, String(reason)]));
  });
  await once(socket, 'open');
  const say = (message: unknown) => socket.send(JSON.stringify(message));
  const hear = async (count: number) => {
    await vi.waitFor(() => expect(messages.length).toBeGreaterThanOrEqual(count));
    return messages.at(-1);
  };
  if (init) say({ type: 'connection_init', ...init });
  return { socket, closed, say, hear, messages };
}

async function dialled(url: string, token = 'right') {
  const connection = await dial(url, { payload: { authorization: `Bearer ${token}` } });
  expect(await connection.hear(1)).toMatchObject({ type: 'connection_ack' });
  return connection;
}

async function watching(started: Awaited<ReturnType<typeof start>>, token = 'right') {
  const connection = await dialled(started.socketUrl, token);
  const { watchers } = started.services.feed.stats();
  connection.say(subscribe('1'));
  await vi.waitFor(() => expect(started.services.feed.stats().watchers).toBe(watchers + 1));
  return connection;
}

describe('A52: the first message', () => {
  test.each([
    ['nothing', {}],
    ['an empty payload', { payload: {} }],
    ['garbage', { payload: { authorization: 'Bearer garbage' } }],
    ['no scheme', { payload: { authorization: 'right' } }],
    ['a revoked key', { payload: { authorization: 'Bearer revoked' } }],
    ['a key as a watch token', { payload: { watchToken: 'right' } }],
    ['no text', { payload: { authorization: { Bearer: 'right' } } }],
  ])('with %s closes the socket with 4403 before anything is answered', async (_name, init) => {
    const { socketUrl, callers, lines } = await start();
    callers.add('revoked', testIdentity('other'));
    callers.revoke('revoked');
    const { closed, messages } = await dial(socketUrl, init);
    expect(await closed).toEqual([4403, 'Forbidden']);
    expect([messages, callers.followed()]).toEqual([[], 0]);
    expect(lines.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });

  test.each(['authorization', 'Authorization'])(
    'with a right one in %s is acknowledged, and says until when',
    async (name) => {
      const { socketUrl } = await start();
      const { hear } = await dial(socketUrl, { payload: { [name]: 'Bearer right' } });
      expect(await hear(1)).toEqual({
        type: 'connection_ack',
        payload: { authorization: { expiresAt: '2030-01-31T12:00:00.000Z' } },
      });
    },
  );

  test('may bring a watch token', async () => {
    const { socketUrl, callers } = await start();
    callers.add('cgw_t', testIdentity('me', { watch: { jobs: new Set(['job']) } }));
    const { hear } = await dial(socketUrl, { payload: { watchToken: 'cgw_t' } });
    expect(await hear(1)).toMatchObject({ payload: { authorization: { expiresAt: null } } });
  });

  test('A50: what is asked before it is known who calls is 4401, also while that is looked up', async () => {
    const { socketUrl, callers, services } = await start();
    const early = await dial(socketUrl);
    early.say(subscribe('1'));
    expect((await early.closed)[0]).toBe(4401);
    const looked = Promise.withResolvers<void>();
    callers.hold(looked.promise);
    const { say, closed } = await dial(socketUrl, { payload: { authorization: 'Bearer right' } });
    say(subscribe('1'));
    expect((await closed)[0]).toBe(4401);
    looked.resolve();
    expect([services.feed.stats().watchers, callers.followed()]).toEqual([0, 0]);
  });

  test('is waited for through a few pings, and not through a flood of them', async () => {
    const { socketUrl, callers } = await start();
    const looked = Promise.withResolvers<void>();
    callers.hold(looked.promise);
    const patient = await dial(socketUrl, { payload: { authorization: 'Bearer right' } });
    patient.say({ type: 'ping', payload: { authorization: 'Bearer right', other: 1 } });
    expect(await patient.hear(1)).toEqual({ type: 'pong', payload: { other: 1 } });
    looked.resolve();
    expect(await patient.hear(2)).toMatchObject({ type: 'connection_ack' });
    const flooder = await dial(socketUrl);
    for (let i = 0; i < 100; i += 1) flooder.say({ type: 'ping' });
    expect((await flooder.closed)[0]).toBe(1006);
  });

  test('when it cannot be found out who calls is 1013, upon which clients try again', async () => {
    const { socketUrl, callers } = await start();
    callers.fail(unavailable('redis is away', 1));
    const { closed } = await dial(socketUrl, { payload: { authorization: 'Bearer right' } });
    expect(await closed).toEqual([1013, 'Try again later']);
  });

  test('A45: guessing is 4429, and the right one is let in all the same', async () => {
    const { socketUrl, post } = await start();
    for (let i = 0; i < 20; i += 1) await post({}, { authorization: `Bearer guess-${i}` });
    const { closed } = await dial(socketUrl, { payload: { authorization: 'Bearer guess' } });
    expect((await closed)[0]).toBe(4429);
    await dialled(socketUrl);
  });

  test('A42: a key in the address of a socket is refused', async () => {
    const { socketUrl, lines } = await start();
    const key = `cg_${'a'.repeat(12)}_${'b'.repeat(32)}_${'c'.repeat(6)}`;
    for (const query of [`key=${key}`, 'watchToken=cgw_t']) {
      await expect(dial(`${socketUrl}?${query}`)).rejects.toThrow('401');
    }
    expect(JSON.stringify(lines)).not.toMatch(/cg_aaa|cgw_/);
  });

  test('A54: a caller has a bound of sockets of its own, whatever others behind its address have', async () => {
    // Of four one may have two.
    const { socketUrl, callers } = await start({ webSocket: { maxSockets: 4 } });
    callers.add('other', testIdentity('other'));
    await dialled(socketUrl);
    await dialled(socketUrl);
    const third = await dial(socketUrl, { payload: { authorization: 'Bearer right' } });
    expect(await third.closed).toEqual([1013, 'Too many connections']);
    await dialled(socketUrl, 'other');
  });
});

describe('A53: when its key ends', () => {
  test('a socket is closed with 4403, all that it watches ends, and nothing more goes out', async () => {
    const started = await start();
    const { closed, messages } = await watching(started);
    started.callers.revoke('right');
    started.services.feed.say('job', testEvent(2));
    expect(await closed).toEqual([4403, 'Forbidden']);
    expect(messages).toHaveLength(1);
    expect([started.services.feed.stats().watchers, started.callers.followed()]).toEqual([0, 0]);
  });

  test('also of a client that does not answer the close', async () => {
    const started = await start();
    const { socket } = await watching(started);
    socket.pause();
    started.callers.revoke('right');
    await vi.waitFor(() => expect(started.services.feed.stats().watchers).toBe(0));
  });

  test('others stay', async () => {
    const started = await start();
    started.callers.add('other', testIdentity('other'));
    const other = await watching(started, 'other');
    const { closed } = await watching(started);
    started.callers.revoke('right');
    await closed;
    started.services.feed.say('job', testEvent(2));
    expect(await other.hear(2)).toMatchObject({ type: 'next' });
  });

  test('what has been closed is followed no more', async () => {
    const started = await start();
    const { socket } = await watching(started);
    expect(started.callers.followed()).toBe(1);
    socket.close();
    await vi.waitFor(() => expect(started.callers.followed()).toBe(0));
  });
});

describe('renewal', () => {
  const ping = (token: string) => ({ type: 'ping', payload: { authorization: `Bearer ${token}` } });

  test("by a ping with a new token of the same caller a socket goes on beyond its first token's end", async () => {
    const started = await start();
    const later = Date.UTC(2030, 1, 1);
    started.callers.add('next', testIdentity('me', { keyId: 'next', expiresAt: later }));
    const { say, hear, messages } = await watching(started);
    say(ping('next'));
    expect(await hear(2)).toEqual({
      type: 'pong',
      payload: { authorization: { expiresAt: '2030-02-01T00:00:00.000Z' } },
    });
    started.callers.revoke('right');
    started.services.feed.say('job', testEvent(2));
    expect(await hear(3)).toMatchObject({ type: 'next', payload: { data: { jobProgress: { seq: 2 } } } });
    expect(JSON.stringify(messages)).not.toContain('Bearer');
    expect(started.callers.followed()).toBe(1);
  });

  test.each([
    ['a wrong one', 'wrong'],
    ["another caller's", 'other'],
    ['one that may do less', 'less'],
    ['a watch token', 'cgw_watch'],
  ])('with %s closes it with 4403', async (_name, token) => {
    const started = await start();
    started.callers.add('other', testIdentity('other'));
    started.callers.add('less', testIdentity('me', { scopes: new Set(['job:read']) }));
    started.callers.add('cgw_watch', testIdentity('me', { watch: { jobs: new Set(['job']) } }));
    const { say, closed } = await watching(started);
    say(ping(token));
    expect(await closed).toEqual([4403, 'Forbidden']);
    await vi.waitFor(() => expect(started.callers.followed()).toBe(0));
    expect(started.services.feed.stats().watchers).toBe(0);
  });

  test('of a watch token is by another for the same jobs', async () => {
    const started = await start();
    const watch = (jobs: string[]) => testIdentity('me', { watch: { jobs: new Set(jobs) } });
    started.callers.add('cgw_1', watch(['job']));
    started.callers.add('cgw_2', watch(['job', 'more']));
    started.callers.add('cgw_3', watch(['more']));
    const { say, hear, closed } = await watching(started, 'cgw_1');
    say(ping('cgw_2'));
    expect(await hear(2)).toMatchObject({ type: 'pong' });
    say(ping('cgw_3'));
    expect((await closed)[0]).toBe(4403);
  });

  test('while it cannot be found out who calls changes nothing, and says so by the time', async () => {
    const started = await start();
    const { say, hear, socket } = await watching(started);
    started.callers.fail(unavailable('redis is away', 1));
    say(ping('next'));
    expect(await hear(2)).toMatchObject({ payload: { authorization: { expiresAt: '2030-01-31T12:00:00.000Z' } } });
    expect(socket.readyState).toBe(socket.OPEN);
  });

  test('a ping without one is answered as ever, and so is one where nobody is told apart', async () => {
    const started = await start();
    const { say, hear } = await dialled(started.socketUrl);
    say({ type: 'ping', payload: { a: 1 } });
    expect(await hear(2)).toEqual({ type: 'pong', payload: { a: 1 } });
    const open = await dial((await startTestServer()).socketUrl, { payload: { authorization: 'Bearer garbage' } });
    expect(await open.hear(1)).toEqual({ type: 'connection_ack' });
    open.say({ type: 'ping' });
    expect(await open.hear(2)).toEqual({ type: 'pong' });
  });
});

test("graphql-ws's client gets a new token after 4403 by itself, and goes on", async () => {
  const { socketUrl, callers, services } = await start();
  const tokens = ['first', 'second'];
  for (const keyId of tokens) callers.add(keyId, { ...anonymous, caller: 'me', keyId });
  const codes: number[] = [];
  const client = createClient({
    url: socketUrl,
    webSocketImpl: WebSocket,
    retryWait: async () => undefined,
    connectionParams: async () => ({ authorization: `Bearer ${tokens.shift()}` }),
    on: { closed: (event) => codes.push(Object(event).code) },
  });
  onTestFinished(() => void client.dispose());
  const events = client.iterate({ query: WATCH });
  const first = events.next();
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  services.feed.say('job', testEvent(2));
  expect((await first).value).toEqual({ data: { jobProgress: { seq: 2 } } });
  const second = events.next();
  callers.revoke('first');
  await vi.waitFor(() => expect(codes).toEqual([4403]));
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  services.feed.say('job', testEvent(3));
  expect((await second).value).toEqual({ data: { jobProgress: { seq: 3 } } });
});
