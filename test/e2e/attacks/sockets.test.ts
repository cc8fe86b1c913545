import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openTarget, subscribe, type Target } from '../../support/attack.ts';
import { disposals } from '../../support/disposals.ts';
import { eventually, onlySimulator } from '../../support/product.ts';

const init = { type: 'connection_init' };
const watch = 'subscription W($id: ID!) { jobProgress(id: $id) { seq type } }';

/** What a client must never send: masked frames with these bytes for a head. */
const frames = {
  reservedOpcode: Buffer.from([0x83, 0x80, 0, 0, 0, 0]),
  compressed: Buffer.from([0xc1, 0x80, 0, 0, 0, 0]),
  unmasked: Buffer.from([0x81, 0x02, 0x68, 0x69]),
  longPing: Buffer.from([0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0]),
  endless: Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
  notUtf8: Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]),
};

describe('sockets that attack', { timeout: 60_000 }, () => {
  const suite = disposals();
  let target: Target;
  /** A job that stays as it is. */
  let jobId: string;

  beforeAll(async () => {
    target = await openTarget(suite);
    onlySimulator(target.product).faults.current.hold = true;
    jobId = (await target.gateway.generate()).id;
    await eventually(async () => (await target.gateway.job(jobId))?.status === 'RUNNING', 'the job runs');
  }, 120_000);
  afterAll(() => target.expectUnharmed());

  it.each<[string, unknown[], number]>([
    ['a subscribe before the init', [subscribe('1', '{ __typename }')], 4401],
    ['a second init', [init, init], 4429],
    ['no JSON', ['hello'], 4400],
    ['JSON null', ['null'], 4400],
    ['an unknown type', [init, { type: 'nope' }], 4400],
    ['an id that is a number', [init, { ...subscribe('1', '{ __typename }'), id: 5 }], 4400],
    [
      'variables that are a list',
      [init, { id: '1', type: 'subscribe', payload: { query: '{a}', variables: [] } }],
      4400,
    ],
    ['a message that servers send', [init, { id: '1', type: 'next', payload: {} }], 4400],
    ['A55 a frame of 2 MB', ['x'.repeat(2_000_000)], 1009],
  ])('A50 %s closes the socket with its code', async (_name, messages, code) => {
    const { say, closed } = await target.dial({ init: false });
    say(...messages);
    expect(await closed).toBe(code);
  });

  it('A50 no init is 4408, an id in use 4409', async () => {
    const silent = await target.dial({ init: false });
    const double = await target.dial();
    double.say(subscribe('1', watch, { id: jobId }), subscribe('1', watch, { id: jobId }));
    expect(await double.closed).toBe(4409);
    expect(await silent.closed).toBe(4408);
  });

  it.each(Object.entries(frames))(
    'A50 a frame against the protocol (%s) closes its socket alone',
    async (_name, frame) => {
      const key = Buffer.from('0123456789abcdef').toString('base64');
      const headers = [
        'GET /graphql HTTP/1.1',
        'Host: localhost',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${key}`,
        'Sec-WebSocket-Protocol: graphql-transport-ws',
      ];
      const upgrade = `${headers.join('\r\n')}\r\n\r\n`;
      expect(await target.wire(Buffer.concat([Buffer.from(upgrade), frame]))).toMatch(/^HTTP\/1\.1 101 /);
    },
  );

  it('A51 pages of foreign origins are refused, and so is a foreign host', async () => {
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1.evil.example']) {
      const socket = new WebSocket(`${target.gateway.url}/graphql`.replace('http', 'ws'), 'graphql-transport-ws', {
        origin,
      });
      const [, response] = await once(socket, 'unexpected-response');
      expect(response.statusCode).toBe(403);
      socket.on('error', () => undefined);
      socket.terminate();
    }
    const own = await target.dial({ origin: target.gateway.url });
    expect(own.socket.readyState).toBe(own.socket.OPEN);
    const upgrade = 'GET /graphql HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(await target.wire(upgrade)).toMatch(/^HTTP\/1\.1 421 /);
  });

  it('A54 a socket has a hundred operations open and no more, and goes on', async () => {
    const { say, messages, heard } = await target.dial();
    for (let i = 0; i < 2_000; i++) say(subscribe(String(i), watch, { id: jobId }));
    say({ type: 'ping' });
    await heard(({ type }) => type === 'pong');
    await eventually(() => messages.filter(({ type }) => type === 'next').length === 100, 'a hundred snapshots');
    await eventually(() => messages.filter(({ type }) => type === 'error').length === 1_900, 'the others are refused');
    expect(JSON.stringify(messages.find(({ type }) => type === 'error'))).toContain('LIMIT_EXCEEDED');
  });

  it('A55 a message in endless pieces is cut off', async () => {
    const pieces = await target.dial();
    for (let i = 0; i < 60; i++) pieces.socket.send('x'.repeat(10_000), { fin: false });
    expect(await pieces.closed).toBe(1009);
    const empty = await target.dial();
    for (let i = 0; i < 100_000; i++) empty.socket.send('', { fin: false });
    expect([1006, 1008]).toContain(await empty.closed);
  });

  it('A56 a faulty operation is answered by itself, A57 a mutation refused, and the socket lives', async () => {
    const { say, heard, socket } = await target.dial();
    say(subscribe('good', watch, { id: jobId }));
    await heard(({ id }) => id === 'good');
    const faulty: [string, string][] = [
      ['{', 'GRAPHQL_PARSE_FAILED'],
      ['{ nope }', 'GRAPHQL_VALIDATION_FAILED'],
      ['query A { __typename } query B { __typename }', 'OPERATION_RESOLUTION_FAILURE'],
      ['subscription { a: jobProgress(id: "x") { seq } b: jobProgress(id: "y") { seq } }', 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { jobProgress(id: "x") @skip(if: true) { seq } }', 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription($s: Boolean!) { jobProgress(id: "x") @include(if: $s) { seq } }', 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { jobProgress(id: "x") { seq } }', 'NOT_FOUND'],
      ['subscription { jobProgress(id: "x", afterSeq: -1) { seq } }', 'BAD_USER_INPUT'],
      ['mutation { deleteJob(id: "x") }', 'FORBIDDEN'],
    ];
    for (const [i, [query, code]] of faulty.entries()) {
      say(subscribe(`bad${i}`, query));
      expect(JSON.stringify(await heard(({ id }) => id === `bad${i}`))).toContain(`"code":"${code}"`);
    }
    say(subscribe('__proto__', '{ __typename }'));
    expect(await heard(({ id }) => id === '__proto__')).toMatchObject({ payload: { data: { __typename: 'Query' } } });
    expect(socket.readyState).toBe(socket.OPEN);
  });

  it('A05 variables that nest 60,000 levels do not overflow anything', async () => {
    const { say, heard } = await target.dial();
    const query = 'query Q($f: JobFilter) { jobs(filter: $f) { nodes { id } } }';
    const message = JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { f: '@' } } });
    say(message.replace('"@"', `${'{"status":'.repeat(15_000)}1${'}'.repeat(15_000)}`));
    expect(JSON.stringify(await heard(({ id }) => id === '1'))).toContain('BAD_USER_INPUT');
  });

  it('a flood of pings is answered, or ends the socket that sends it and no other', async () => {
    const { say, messages, closed } = await target.dial();
    for (let i = 0; i < 5_000; i++) say({ type: 'ping' });
    await eventually(() => messages.filter(({ type }) => type === 'pong').length === 5_000, 'each ping was answered');
    // Faster than they are answered: ws gives up on such a peer.
    const flooding = await target.dial();
    for (let i = 0; i < 50_000; i++) flooding.socket.ping('x'.repeat(100));
    expect(await flooding.closed).toBe(1006);
    say({ type: 'nope' });
    expect(await closed).toBe(4400);
  });

  it('subscriptions that nobody reads leave nothing behind', async () => {
    const channels = async () => (await target.product.admin.pubsub('CHANNELS', '*job:*')).length;
    await eventually(async () => (await channels()) === 0, 'no job is watched');
    const body = JSON.stringify({ query: watch, variables: { id: jobId } });
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    for (let i = 0; i < 20; i++) {
      const struck = await target.post(body, { headers });
      expect(struck).toMatchObject({ status: 406, message: expect.stringContaining('text/event-stream') });
    }
    await eventually(async () => (await channels()) === 0, 'no job is watched any more');
  });
});
