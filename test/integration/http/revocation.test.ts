import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createAuthenticator } from '../../../src/callers/authenticator.ts';
import type { Identity } from '../../../src/callers/identity.ts';
import { createKeyDirectory } from '../../../src/callers/key-directory.ts';
import { createKeyOperator } from '../../../src/callers/keys.ts';
import { createPlans, noPlan } from '../../../src/callers/plans.ts';
import { createRedisKeys } from '../../../src/callers/redis/redis-keys.ts';
import { createSignatureCheck } from '../../../src/callers/request-signature.ts';
import { defaultScopes } from '../../../src/callers/scopes.ts';
import { createSessions } from '../../../src/callers/sessions.ts';
import { createSeal } from '../../../src/job-record/seal.ts';
import { redisNow } from '../../../src/redis/clock.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { createKeys } from '../../../src/redis/keys.ts';
import { silent } from '../../support/gateway-store.ts';
import { testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { testIdentity } from '../../support/test-callers.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

/** A machine may be slow. */
const PATIENT = { timeout: 10_000 };
const WATCH = 'subscription { jobProgress(id: "job") { seq } }';

/** An operator, and gateways that share a Redis. */
async function setup() {
  const redis = connectRedis({ url: server.url, role: 'request', log: silent });
  onTestFinished(() => closeRedis(redis));
  await whenReady(redis);
  const store = createRedisKeys(redis, createKeys(`test-${randomUUID()}`));
  const seal = createSeal('x'.repeat(32), 'test');
  const offset = (await redisNow(redis)) - performance.now();
  const now = () => Math.floor(performance.now() + offset);
  const operator = createKeyOperator(store, seal);
  const request = { caller: 'acme', name: 'Acme', plan: 'free', scopes: defaultScopes, signed: false };

  async function gateway() {
    const directory = createKeyDirectory({ store, now, onFault: () => undefined });
    await directory.start();
    onTestFinished(directory.close);
    const keys = { directory, signatures: createSignatureCheck({ store, seal, now }) };
    // As watch tokens are: they end with the key that made them.
    const readWatchToken = (token: string): Identity =>
      testIdentity('acme', { keyId: token.slice(4), watch: { jobs: new Set(['job']) } });
    const authenticator = createAuthenticator({ now, keys, readWatchToken, onRedisDown: () => undefined });
    const sessions = createSessions({ directory, now, onFault: () => undefined });
    const plans = createPlans(() => new Map([['free', { ...noPlan, name: 'free' }]]));
    const services = await testServices({ plans });
    const started = await startTestServer({ authenticator, sessions, services });
    started.services.feed.open('job');
    return started;
  }
  const create = () => operator.create({ ...request, lifeMs: null });
  return { operator, create, gateways: [await gateway(), await gateway()] as const };
}

type Started = Awaited<ReturnType<typeof startTestServer>>;

async function socketOf({ socketUrl }: Started, connectionParams: object) {
  const socket = new WebSocket(socketUrl, 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: connectionParams }));
  const [acknowledged] = await once(socket, 'message');
  expect(JSON.parse(String(acknowledged)).type).toBe('connection_ack');
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: WATCH } }));
  // Not the promise itself, which would be waited for.
  return { closed };
}

/** All that lasts, at one gateway. Gives how each of it ends. */
async function open(started: Started, { text, id }: { text: string; id: string }) {
  const authorization = `Bearer ${text}`;
  const streams = [await stream(started, { authorization }), await stream(started, {}, `&watchToken=cgw_${id}`)];
  const sockets = [await socketOf(started, { authorization }), await socketOf(started, { watchToken: `cgw_${id}` })];
  await vi.waitFor(() => expect(started.services.feed.stats().watchers).toBe(4), PATIENT);
  return [...streams.map((answer) => answer.text()), ...sockets.map(({ closed }) => closed)];
}

function stream({ graphql }: Started, headers: Record<string, string>, token = '') {
  const address = `${graphql}?query=${encodeURIComponent(WATCH)}${token}`;
  return fetch(address, { headers: { accept: 'text/event-stream', ...headers } });
}

test('A53: what lasts ends at every gateway when its key is revoked, watch tokens included', async () => {
  const { operator, create, gateways } = await setup();
  const { text, key } = await create();
  const another = `Bearer ${(await create()).text}`;
  const ends: Promise<unknown>[] = [];
  for (const gateway of gateways) ends.push(...(await open(gateway, { text, id: key.id })));
  const [first, second] = gateways;
  const stays = await stream(first, { authorization: another });
  await operator.revoke(key.id);
  const told = expect.stringContaining('UNAUTHENTICATED');
  expect(await Promise.all(ends)).toEqual([told, told, 4403, 4403, told, told, 4403, 4403]);
  const watchers = () => gateways.map(({ services }) => services.feed.stats().watchers);
  await vi.waitFor(() => expect(watchers()).toEqual([1, 0]), PATIENT);
  for (const { post } of [first, second]) {
    const statusOf = async (authorization: string) =>
      (await post({ query: '{ __typename }' }, { authorization })).status;
    expect([await statusOf(`Bearer ${text}`), await statusOf(another)]).toEqual([401, 200]);
  }
  await stays.body?.cancel();
});
