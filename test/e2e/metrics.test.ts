import { beforeAll, describe, expect, it } from 'vitest';
import { disposals } from '../support/disposals.ts';
import { type Figures, readFigures } from '../support/figures.ts';
import { freePort } from '../support/free-port.ts';
import { eventually, type Gateway, onlySimulator, openProduct, type Product } from '../support/product.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** What a gateway and a worker each have. */
const BOTH = {
  comfygate_bound_taken: 'gauge',
  comfygate_bound_most: 'gauge',
  comfygate_bound_refusals_total: 'counter',
  comfygate_build_info: 'gauge',
  comfygate_redis_call_seconds: 'histogram',
  comfygate_storage_call_seconds: 'histogram',
  comfygate_jobs_ended_total: 'counter',
  comfygate_broken_workflows: 'gauge',
  process_cpu_seconds_total: 'counter',
  process_resident_memory_bytes: 'gauge',
  nodejs_eventloop_lag_p99_seconds: 'gauge',
};

const GATEWAY = {
  comfygate_operation_duration_seconds: 'histogram',
  comfygate_http_request_seconds: 'histogram',
  comfygate_first_event_seconds: 'histogram',
  comfygate_event_delivery_seconds: 'histogram',
  comfygate_sockets: 'gauge',
  comfygate_sockets_cut_total: 'counter',
  comfygate_subscriptions: 'gauge',
  comfygate_events_sent_total: 'counter',
  comfygate_events_conflated_total: 'counter',
  comfygate_calls_limited_total: 'counter',
  comfygate_gpu_seconds_reserved_total: 'counter',
  comfygate_jobs_accepted_total: 'counter',
  comfygate_authentications_total: 'counter',
  comfygate_queue_jobs: 'gauge',
  comfygate_queue_oldest_seconds: 'gauge',
  comfygate_workers: 'gauge',
  comfygate_backends: 'gauge',
  comfygate_dependency_up: 'gauge',
  comfygate_redis_durable: 'gauge',
};

const WORKER = {
  comfygate_job_queue_seconds: 'histogram',
  comfygate_job_run_seconds: 'histogram',
  comfygate_job_generation_seconds: 'histogram',
  comfygate_job_upload_seconds: 'histogram',
  comfygate_job_attempts_total: 'counter',
  comfygate_backend_state: 'gauge',
  comfygate_breaker_changes_total: 'counter',
};

describe('/metrics', { timeout: 120_000 }, () => {
  const suite = disposals();
  let product: Product;
  let gateway: Gateway;
  let redisWire: TcpProxy;
  let gatewayPort: number;
  let workerPort: number;

  beforeAll(async () => {
    product = await openProduct(suite);
    redisWire = await startTcpProxy(product.redis.port);
    suite.onTestFinished(redisWire.close);
    [gatewayPort, workerPort] = [await freePort(), await freePort()];
    gateway = await product.gateway({
      ADMIN_PORT: String(gatewayPort),
      REDIS_URL: `redis://127.0.0.1:${redisWire.port}`,
    });
    await product.worker({ ADMIN_PORT: String(workerPort) });
  }, 240_000);

  /** Watchers hear of an end before its worker has tidied up and counted it. */
  function untilAttempts(succeeded: number, failed: number): Promise<Figures> {
    return untilFigures(
      workerPort,
      (seen) =>
        seen.value('comfygate_job_attempts_total', { outcome: 'succeeded' }) === succeeded &&
        seen.value('comfygate_job_attempts_total', { outcome: 'failed' }) === failed,
      `${succeeded} attempts have succeeded and ${failed} failed`,
    );
  }

  async function untilFigures(port: number, holds: (figures: Figures) => boolean, what: string): Promise<Figures> {
    let seen: Figures | undefined;
    await eventually(async () => {
      seen = await readFigures(port);
      return holds(seen);
    }, what);
    return seen ?? expect.fail('there are no figures');
  }

  it('has every figure of a gateway and of a worker, and nothing of the other', async () => {
    const [ofGateway, ofWorker] = [await readFigures(gatewayPort), await readFigures(workerPort)];
    const ours = (names: Iterable<string>) => [...names].filter((name) => name.startsWith('comfygate_')).sort();
    expect(Object.fromEntries(ofGateway.types)).toMatchObject({ ...BOTH, ...GATEWAY });
    expect(Object.fromEntries(ofWorker.types)).toMatchObject({ ...BOTH, ...WORKER });
    expect(ours(ofGateway.types.keys())).toEqual(ours(Object.keys({ ...BOTH, ...GATEWAY })));
    expect(ours(ofWorker.types.keys())).toEqual(ours(Object.keys({ ...BOTH, ...WORKER })));
    expect(ofGateway.value('comfygate_build_info', { role: 'gateway' })).toBe(1);
    expect(ofWorker.value('comfygate_build_info', { role: 'worker' })).toBe(1);
  });

  it('shows the installation as it is', async () => {
    const figures = await untilFigures(
      gatewayPort,
      (seen) => seen.value('comfygate_backends', { status: 'UP' }) === 1,
      'a server is UP',
    );
    expect(figures.value('comfygate_workers')).toBe(1);
    expect(figures.value('comfygate_backends', { status: 'DOWN' })).toBe(0);
    expect(figures.value('comfygate_dependency_up', { name: 'redis' })).toBe(1);
    expect(figures.value('comfygate_dependency_up', { name: 'storage' })).toBe(1);
    expect(figures.value('comfygate_redis_durable')).toBe(1);
    expect(figures.value('comfygate_queue_jobs', { status: 'QUEUED' })).toBe(0);
    expect(figures.value('comfygate_queue_oldest_seconds')).toBe(0);
    const worker = await untilFigures(
      workerPort,
      (seen) => seen.value('comfygate_backend_state', { backend: 'comfy1', state: 'up' }) === 1,
      'the worker sees its server',
    );
    expect(worker.value('comfygate_backend_state', { backend: 'comfy1', state: 'down' })).toBe(0);
    expect(worker.value('comfygate_bound_taken', { bound: 'input_fetches' })).toBe(0);
    expect(worker.value('comfygate_bound_most', { bound: 'input_fetches' })).toBe(16);
    expect(worker.value('comfygate_breaker_changes_total', { backend: 'comfy1', to: 'open' })).toBe(0);
  });

  it('counts a job that is watched to its end, and one that fails', async () => {
    const { faults } = onlySimulator(product);
    faults.current.holdAt = 'KSampler';
    const job = await gateway.generate({ key: 'counted' });
    const watching = gateway.watch(job.id, { once: true });
    await watching.until(({ type }) => type === 'SNAPSHOT');
    const open = await untilFigures(
      gatewayPort,
      (seen) => seen.value('comfygate_queue_jobs', { status: 'RUNNING' }) === 1,
      'the job is RUNNING',
    );
    expect(open.value('comfygate_subscriptions', { operation: 'jobProgress' })).toBe(1);
    expect(open.value('comfygate_sockets')).toBe(1);
    expect(open.value('comfygate_sockets_cut_total', { why: 'slow' })).toBe(0);
    for (const bound of ['sockets', 'operations']) expect(open.value('comfygate_bound_taken', { bound })).toBe(1);
    expect(open.value('comfygate_bound_most', { bound: 'sockets' })).toBe(10_000);
    const most = { uploads: 256, variants: 66 };
    for (const [bound, each] of Object.entries(most)) {
      expect([bound, open.value('comfygate_bound_taken', { bound })]).toEqual([bound, 0]);
      expect(open.value('comfygate_bound_most', { bound })).toBe(each);
    }
    faults.current.holdAt = null;
    expect((await watching.end()).type).toBe('SUCCEEDED');
    await gateway.generate({ key: 'counted' });

    faults.set({ nodeError: { kind: 'exception' } });
    const failing = await gateway.generate();
    expect((await gateway.watch(failing.id, { once: true }).end()).type).toBe('FAILED');
    faults.set({ reset: true });

    const seen = await untilFigures(
      gatewayPort,
      (figures) => figures.value('comfygate_sockets') === 0,
      'the sockets are closed',
    );
    const workflow = 'textToImage';
    for (const bound of ['sockets', 'operations', 'requests', 'memory_bytes']) {
      expect([bound, seen.value('comfygate_bound_taken', { bound })]).toEqual([bound, 0]);
    }
    expect(seen.value('comfygate_bound_refusals_total', { bound: 'connections' })).toBe(0);
    expect(seen.value('comfygate_subscriptions', { operation: 'jobProgress' })).toBe(0);
    expect(seen.value('comfygate_jobs_accepted_total', { workflow, replayed: 'false' })).toBe(2);
    expect(seen.value('comfygate_jobs_accepted_total', { workflow, replayed: 'true' })).toBe(1);
    expect(seen.value('comfygate_events_sent_total', { type: 'SUCCEEDED' })).toBe(1);
    expect(seen.value('comfygate_events_sent_total', { type: 'FAILED' })).toBe(1);
    expect(seen.value('comfygate_first_event_seconds_count', { operation: 'jobProgress' })).toBe(2);
    expect(seen.value('comfygate_event_delivery_seconds_count')).toBeGreaterThanOrEqual(2);
    const answered = { operation: 'generate', type: 'mutation', code: 'OK' };
    expect(seen.value('comfygate_operation_duration_seconds_count', answered)).toBe(3);
    const accepted = { operation: 'jobProgress', type: 'subscription', code: 'OK' };
    expect(seen.value('comfygate_operation_duration_seconds_count', accepted)).toBe(2);
    expect(seen.value('comfygate_redis_call_seconds_count', { command: 'evalsha' })).toBeGreaterThan(0);

    const worker = await untilAttempts(1, 1);
    expect(worker.value('comfygate_jobs_ended_total', { workflow, status: 'SUCCEEDED', code: '' })).toBe(1);
    expect(worker.value('comfygate_jobs_ended_total', { status: 'FAILED', code: 'EXECUTION_FAILED' })).toBe(1);
    expect(worker.value('comfygate_job_queue_seconds_count', { workflow })).toBe(2);
    expect(worker.value('comfygate_job_run_seconds_count', { workflow })).toBe(2);
    expect(worker.value('comfygate_job_generation_seconds_count', { workflow })).toBe(2);
    expect(worker.value('comfygate_job_upload_seconds_count')).toBe(1);
    expect(worker.value('comfygate_job_attempts_total', { outcome: 'error' })).toBe(0);
    expect(worker.value('comfygate_storage_call_seconds_count', { operation: 'put', outcome: 'ok' })).toBe(1);
    expect(worker.labels('comfygate_redis_call_seconds_count', 'command')).not.toContain('bzpopmin');
  });

  it('counts a job that was cancelled before any worker had it', async () => {
    const { faults } = onlySimulator(product);
    faults.current.holdAt = 'KSampler';
    const jobs = [];
    // More than its one server gets at once.
    for (let i = 0; i < 4; i++) jobs.push(await gateway.generate());
    const last = jobs[3]?.id ?? '';
    await eventually(
      async () => (await readFigures(workerPort)).value('comfygate_job_queue_seconds_count') === 4,
      'two run',
    );
    const waiting = await readFigures(gatewayPort);
    expect(waiting.value('comfygate_queue_jobs', { status: 'QUEUED' })).toBe(2);
    expect(waiting.value('comfygate_queue_oldest_seconds')).toBeGreaterThan(0);
    expect(await gateway.cancel(last)).toMatchObject({ status: 'CANCELED', attempts: 0 });
    // A second time it is the same job, not one more.
    await gateway.cancel(last);
    const canceled = { workflow: 'textToImage', status: 'CANCELED', code: '' };
    expect((await readFigures(gatewayPort)).value('comfygate_jobs_ended_total', canceled)).toBe(1);
    faults.current.holdAt = null;
    for (const { id } of jobs.slice(0, 3)) await gateway.watch(id, { once: true }).end();
    await untilAttempts(4, 1);
  });

  it('makes no series of what clients make up', async () => {
    const ask = async (query: string, variables = {}) => {
      const body = JSON.stringify({ query, variables });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body });
      await answer.arrayBuffer();
    };
    await ask('query Made_up_1 { nothing_like_this }');
    await ask('query Made_up_2 {');
    await ask('{ a: __typename }');
    await ask('{ one: health { status } two: health { status } }');
    await ask('query Made_up_3 { ...Root } fragment Root on Query { aliased: health { status } }');
    await ask('query ($id: ID!) { job(id: $id) { id } }', { id: {} });
    const seen = await readFigures(gatewayPort);
    const count = (operation: string, type: string, code: string) =>
      seen.value('comfygate_operation_duration_seconds_count', { operation, type, code });
    expect(count('other', 'query', 'GRAPHQL_VALIDATION_FAILED')).toBe(1);
    expect(count('other', 'other', 'GRAPHQL_PARSE_FAILED')).toBe(1);
    expect(count('other', 'query', 'OK')).toBe(2);
    expect(count('health', 'query', 'OK')).toBe(1);
    expect(count('job', 'query', 'BAD_USER_INPUT')).toBe(1);
    const names = seen.labels('comfygate_operation_duration_seconds_count', 'operation');
    expect(names.sort()).toEqual(['cancelJob', 'generate', 'health', 'job', 'jobProgress', 'other']);
  });

  it('answers within two seconds while Redis is silent or away, without what it does not know', async () => {
    for (const breakIt of [async () => redisWire.blackHole(true), redisWire.refuse]) {
      await breakIt();
      const began = performance.now();
      const seen = await readFigures(gatewayPort);
      expect(performance.now() - began).toBeLessThan(2_000);
      expect(seen.value('comfygate_dependency_up', { name: 'redis' })).toBe(0);
      expect(seen.value('comfygate_dependency_up', { name: 'storage' })).toBe(1);
      for (const name of ['comfygate_queue_oldest_seconds', 'comfygate_workers', 'comfygate_redis_durable']) {
        expect(seen.value(name)).toBeUndefined();
      }
      expect(seen.labels('comfygate_queue_jobs', 'status')).toEqual([]);
      expect(seen.labels('comfygate_backends', 'status')).toEqual([]);
    }
    redisWire.blackHole(false);
    await redisWire.accept();
    await untilFigures(
      gatewayPort,
      (seen) => seen.value('comfygate_dependency_up', { name: 'redis' }) === 1 && seen.value('comfygate_workers') === 1,
      'Redis is back',
    );
  });

  it('tells when Redis has stopped being durable', async () => {
    const durable = (value: number) =>
      untilFigures(gatewayPort, (seen) => seen.value('comfygate_redis_durable') === value, `durable is ${value}`);
    await product.admin.config('SET', 'appendonly', 'no');
    await durable(0);
    await product.admin.config('SET', 'appendonly', 'yes');
    await durable(1);
    await product.admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await durable(0);
    await product.admin.config('SET', 'maxmemory-policy', 'noeviction');
    await durable(1);
  });
});

it('of gateway and worker in one process are one', { timeout: 240_000 }, async ({ onTestFinished }) => {
  const product = await openProduct({ onTestFinished });
  const port = await freePort();
  const gateway = await product.both({ ADMIN_PORT: String(port) });
  expect((await gateway.watch((await gateway.generate()).id, { once: true }).end()).type).toBe('SUCCEEDED');
  await eventually(
    async () => (await readFigures(port)).value('comfygate_jobs_ended_total', { status: 'SUCCEEDED' }) === 1,
    'the end of the job is counted',
  );
  const seen = await readFigures(port);
  expect(Object.fromEntries(seen.types)).toMatchObject({ ...BOTH, ...GATEWAY, ...WORKER });
  expect(seen.value('comfygate_build_info', { role: 'all' })).toBe(1);
  expect(seen.value('comfygate_jobs_accepted_total', { replayed: 'false' })).toBe(1);
});
