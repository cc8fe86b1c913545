import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import { ATTACKER, postUnread } from '../../support/flood.ts';
import { testEvent, testJob, testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { eventually } from '../../support/product.ts';

const GUEST = '127.0.0.1';
const FLOOD = 30;

/** Takes longer than a turn. */
function work(): void {
  const until = performance.now() + 10;
  while (performance.now() < until);
}

/** A connection that has been used. */
async function connected(port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  onTestFinished(() => void socket.destroy());
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

test('B01 who asks after many requests of another over HTTP is answered before them', async () => {
  const order: string[] = [];
  const get = async (_identity: unknown, id: string) => {
    order.push(id);
    work();
    return testJob();
  };
  const { server } = await startTestServer({ services: await testServices({ jobs: { get } }) });
  const ask = (id: string) => `GET /graphql?query={job(id:"${id}"){id}} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const flood = await Promise.all(Array.from({ length: FLOOD }, () => connected(server.port, ATTACKER)));
  const guest = await connected(server.port, GUEST);
  for (const socket of flood) socket.write(ask('flood'));
  guest.write(ask('guest'));
  await eventually(() => order.length === FLOOD + 1, 'all are answered');
  expect(order).toContain('guest');
  expect(order.indexOf('guest')).toBeLessThan(FLOOD / 2);
});

test('B01 who opens a socket after many of another has it before them', async () => {
  const { server } = await startTestServer();
  const flood = await Promise.all(Array.from({ length: 300 }, () => connected(server.port, ATTACKER)));
  const guest = await connected(server.port, GUEST);
  const upgrade =
    'GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n';
  let open = 0;
  for (const socket of flood) {
    socket.once('data', () => {
      open += 1;
    });
    socket.write(upgrade);
  }
  guest.write(upgrade);
  await once(guest, 'data');
  expect(open).toBeLessThan(150);
  await eventually(() => open === 300, 'all are open');
});

test('B01 an event reaches who watches before the last of many event streams of another', async () => {
  const order: string[] = [];
  const queuePosition = async ({ id }: Job) => {
    order.push(id);
    work();
    return 1;
  };
  const services = await testServices({ jobs: { queuePosition } });
  for (const id of ['flood', 'guest']) services.feed.open(id);
  const { server } = await startTestServer({ services });
  const watch = (from: string, id: string, alias: string) => {
    const query = `subscription { jobProgress(id: "${id}") { job { ${alias}: queuePosition } } }`;
    return postUnread(server.port, { query }, { from, accept: 'text/event-stream' }).head;
  };
  for (let i = 0; i < FLOOD; i++) await watch(ATTACKER, 'flood', `a${i}`);
  await watch(GUEST, 'guest', 'a');
  for (const id of ['flood', 'guest']) {
    services.feed.say(id, testEvent(2, { job: testJob({ id, status: 'QUEUED' }) }));
  }
  await eventually(() => order.length === FLOOD + 1, 'all are told');
  expect(order.indexOf('guest')).toBeLessThan(FLOOD / 2);
});

test('B01 a connection that asks far more than it reads the answers of is cut, and no other', async () => {
  const held = Promise.withResolvers<null>();
  onTestFinished(() => held.resolve(null));
  let asked = 0;
  const get = () => {
    asked += 1;
    return held.promise;
  };
  const { server, post } = await startTestServer({ services: await testServices({ jobs: { get } }) });
  const socket = connect({ port: server.port, host: '127.0.0.1' });
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  socket.on('error', () => undefined);
  const request = 'GET /graphql?query={job(id:"x"){id}} HTTP/1.1\r\nHost: localhost\r\n\r\n';
  socket.write(request.repeat(32));
  await eventually(() => asked === 32, 'as many are begun');
  expect(closed).toBe(false);
  socket.write(request);
  await eventually(() => closed, 'one more is too many');
  expect((await post({ query: '{ __typename }' })).status).toBe(200);
});
