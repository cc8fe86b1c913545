import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BackendReport } from '../../../src/backends/backends.ts';
import { createRedisBackendOperator, createRedisBackendReporter } from '../../../src/backends/redis/redis-backends.ts';
import type { AuditEntry } from '../../../src/observability/audit.ts';
import { createChangeBackends } from '../../../src/operator/change-backends.ts';
import { unknownBackend } from '../../support/backends.ts';
import { openStores } from '../../support/gateway-store.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;

beforeAll(async () => {
  server = await startTestRedis();
  stores = await openStores(server.url);
});
afterAll(async () => {
  await stores.close();
  await server.close();
});

const gpu: BackendReport = { ...unknownBackend, name: 'gpu', status: 'UP' };

function open() {
  const entries: AuditEntry[] = [];
  const changes = createChangeBackends({
    operator: createRedisBackendOperator(stores.redis, stores.keys),
    audit: { record: (entry) => void entries.push(entry), flushed: async () => undefined },
    onRedisDown: () => expect.fail(),
  });
  const request = (name: string) => ({
    ...{ identity: callerNamed('ops', { keyId: 'k' }), requestId: 'r', name },
    signal: new AbortController().signal,
  });
  return { changes, request, entries };
}

it('answers with the server once its worker has taken the change', async () => {
  const { changes, request, entries } = open();
  const reporter = createRedisBackendReporter(stores.durable, stores.keys);
  /** As a worker does: it learns what drains by a report, and says so by the next. */
  let draining = (await reporter.report('worker', [gpu])).draining;
  const reports = new AbortController();
  const reporting = (async () => {
    while (!reports.signal.aborted) {
      const status = draining.has('gpu') ? 'DRAINING' : 'UP';
      ({ draining } = await reporter.report('worker', [{ ...gpu, status }]));
    }
  })();
  expect(await changes.drain(request('gpu'))).toMatchObject({ name: 'gpu', status: 'DRAINING' });
  expect(await changes.drain(request('gpu'))).toMatchObject({ status: 'DRAINING' });
  expect(await changes.resume(request('gpu'))).toMatchObject({ name: 'gpu', status: 'UP' });
  reports.abort();
  await reporting;
  const by = { caller: 'ops', keyId: 'k', requestId: 'r', backend: 'gpu', outcome: 'done' };
  expect(entries).toMatchObject([
    { action: 'drain', ...by },
    { action: 'drain', ...by },
    { action: 'resume', ...by },
  ]);
});

it('takes the change of a server that nobody reaches, and refuses one that nobody has reported', async () => {
  const { changes, request, entries } = open();
  const reporter = createRedisBackendReporter(stores.durable, stores.keys);
  await reporter.report('worker', [{ ...gpu, status: 'DOWN' }]);
  expect(await changes.drain(request('gpu'))).toMatchObject({ status: 'DOWN' });
  expect((await reporter.report('worker', [{ ...gpu, status: 'DOWN' }])).draining).toEqual(new Set(['gpu']));
  const refused = changes.drain(request(`none${'x'.repeat(10_000)}`));
  await expect(refused).rejects.toMatchObject({
    details: { code: 'NOT_FOUND' },
    message: expect.stringMatching(/^.{1,300}$/),
  });
  expect(entries.at(-1)).toMatchObject({ action: 'drain', outcome: 'refused', code: 'NOT_FOUND' });
});
