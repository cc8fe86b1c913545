import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from 'graphql-ws';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { freePort } from '../support/free-port.ts';
import { PROMPT } from '../support/gateway-client.ts';
import { findJaeger, type SeenSpan, startTestJaeger, type TestJaeger } from '../support/jaeger.ts';
import { tempFolder } from '../support/process.ts';
import { type Lifetime, onlySimulator, openProduct } from '../support/product.ts';

const REPORT_OTEL = `--import=${fileURLToPath(new URL('../support/report-otel.ts', import.meta.url))}`;
const TAKEN_OVER_WITHIN_MS = 40_000;
/**
 * Each span reads the time and a monotonic clock one after the other: on a busy machine some milliseconds may lie in
 * between.
 */
const INSIDE_US = 50_000;

function newTrace() {
  const traceId = randomBytes(16).toString('hex');
  const parentId = randomBytes(8).toString('hex');
  return { traceId, parentId, traceparent: `00-${traceId}-${parentId}-01` };
}

async function openTraced(test: Lifetime) {
  const jaeger = await startTestJaeger();
  test.onTestFinished(jaeger.close);
  return { jaeger, product: await openProduct(test, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.endpoint } }) };
}

/** The spans of a trace by their names, once one of each of these has come, and no more come for a moment. */
function spansOf(jaeger: TestJaeger, traceId: string, names: string[]) {
  return vi.waitFor(
    async () => {
      const spans = await jaeger.trace(traceId);
      const missing = names.filter((name) => !spans.some((span) => span.name === name));
      if (missing.length > 0) throw new Error(`not in the trace: ${missing}; there: ${spans.map(({ name }) => name)}`);
      await delay(300);
      if ((await jaeger.trace(traceId)).length > spans.length) throw new Error('the trace still grows');
      return spans;
    },
    { timeout: 20_000, interval: 100 },
  );
}

function only(spans: SeenSpan[], name: string): SeenSpan {
  const [span, ...more] = spans.filter((each) => each.name === name);
  if (!span || more.length > 0) throw new Error(`expected one span ${name} in ${spans.map((each) => each.name)}`);
  return span;
}

function expectWithin(inner: SeenSpan, outer: SeenSpan) {
  expect(inner.parentId).toBe(outer.id);
  expect(inner.start).toBeGreaterThanOrEqual(outer.start - INSIDE_US);
  expect(inner.end).toBeLessThanOrEqual(outer.end + INSIDE_US);
}

describe.skipIf(findJaeger() === null).concurrent('traces', { timeout: 240_000 }, () => {
  it("one from a caller's request through queue, worker and ComfyUI's nodes to storage", async (test) => {
    const { jaeger, product } = await openTraced(test);
    const [gateway] = await Promise.all([product.gateway(), product.worker()]);
    // Whoever calls has decided that this one is not to be kept.
    const unsampled = newTrace();
    const unkept = await gateway.generate({ headers: { traceparent: unsampled.traceparent.replace(/01$/, '00') } });
    await gateway.watch(unkept.id).end();
    const steps = ['prompt', 'KSampler', 'VAEDecode', 'SaveImage', 'store output'];
    const { traceId, parentId, traceparent } = newTrace();
    const job = await gateway.generate({ headers: { traceparent } });
    const { job: ended } = await gateway.watch(job.id).end();
    expect(ended.status).toBe('SUCCEEDED');

    const spans = await spansOf(jaeger, traceId, [
      'process job',
      'queue',
      'graphql.mutation generate',
      'accept',
      ...steps,
    ]);
    const operation = only(spans, 'graphql.mutation generate');
    const accept = only(spans, 'accept');
    const process = only(spans, 'process job');
    const prompt = only(spans, 'prompt');
    expect(operation.parentId).toBe(parentId);
    expectWithin(accept, operation);
    expectWithin(only(spans, 'queue'), accept);
    expect(process.parentId).toBe(accept.id);
    expectWithin(prompt, process);
    for (const name of ['KSampler', 'VAEDecode', 'SaveImage']) expectWithin(only(spans, name), prompt);
    const sampler = only(spans, 'KSampler');
    expect(only(spans, 'VAEDecode').start).toBeGreaterThanOrEqual(sampler.end);
    const stored = only(spans, 'store output');
    expectWithin(stored, process);
    expect(stored.start).toBeGreaterThanOrEqual(prompt.end - INSIDE_US);

    expect([operation, accept].map(({ service }) => service)).toEqual(['comfygate-gateway', 'comfygate-gateway']);
    expect([process, sampler].map(({ service }) => service)).toEqual(['comfygate-worker', 'comfygate-worker']);
    expect(process.tags).toMatchObject({
      'span.kind': 'consumer',
      'comfygate.job.id': job.id,
      'comfygate.attempt': 1,
      'comfygate.workflow': 'textToImage',
      'comfygate.backend': 'comfy1',
    });
    expect(process.tags).not.toHaveProperty('error.type');
    expect(stored.tags).toMatchObject({
      'comfygate.artifact.kind': 'image',
      'comfygate.artifact.size': ended.artifacts[0]?.size,
    });
    expect(await jaeger.trace(unsampled.traceId)).toEqual([]);
    const told = JSON.stringify(spans);
    for (const secret of [PROMPT, '127.0.0.1', '.png', product.env.DATA_DIR]) expect(told).not.toContain(secret);
  });

  it('over a socket it is named in the extensions of the operation; a subscription has a span', async (test) => {
    const { jaeger, product } = await openTraced(test);
    const simulator = onlySimulator(product);
    simulator.faults.current.hold = true;
    const [gateway] = await Promise.all([product.gateway(), product.worker()]);
    const job = await gateway.generate();
    const { traceId, parentId, traceparent } = newTrace();
    const client = createClient({ url: `${gateway.url}/graphql`.replace('http', 'ws'), webSocketImpl: WebSocket });
    test.onTestFinished(async () => void client.dispose());
    const query = 'subscription Watch($id: ID!) { jobProgress(id: $id) { type } }';
    const events = client.iterate({ query, variables: { id: job.id }, extensions: { traceparent } });
    expect((await events.next()).value).toMatchObject({ data: { jobProgress: { type: 'SNAPSHOT' } } });

    const spans = await spansOf(jaeger, traceId, ['graphql.subscription jobProgress']);
    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({ parentId, service: 'comfygate-gateway' });
    simulator.faults.reset();
    for await (const _ of events);
    expect(await jaeger.trace(traceId)).toHaveLength(1);
  });

  it('shows the attempt of a worker that was killed beside that of the one that took over', async (test) => {
    const { jaeger, product } = await openTraced(test);
    const simulator = onlySimulator(product);
    const [gateway, first] = await Promise.all([product.gateway(), product.worker()]);
    simulator.faults.current.holdAt = 'KSampler';
    const { traceId, traceparent } = newTrace();
    const job = await gateway.generate({ headers: { traceparent } });
    const watching = gateway.watch(job.id, { once: true });
    await watching.until(({ job: { progress } }) => progress.node?.classType === 'KSampler');
    const second = product.worker();
    await first.kill();
    await second;
    await watching.until(({ job: { attempts } }) => attempts === 2, TAKEN_OVER_WITHIN_MS);
    simulator.faults.reset();
    expect((await watching.end()).job.status).toBe('SUCCEEDED');

    const spans = await spansOf(jaeger, traceId, ['accept', 'store output', 'prompt']);
    const attempts = await vi.waitFor(async () => {
      const seen = (await jaeger.trace(traceId)).filter(({ name }) => name === 'process job');
      expect(seen).toHaveLength(2);
      return seen.sort((a, b) => a.start - b.start);
    });
    const accept = only(spans, 'accept');
    expect(attempts.map(({ parentId }) => parentId)).toEqual([accept.id, accept.id]);
    expect(attempts.map(({ tags }) => tags['comfygate.attempt'])).toEqual([1, 2]);
    expect(attempts.map(({ tags }) => tags['error.type'])).toEqual(['WORKER_LOST', undefined]);
    // From its claim until the job was taken over.
    expect((attempts[0]?.end ?? 0) - (attempts[0]?.start ?? 0)).toBeGreaterThan(1_000_000);
    expect(only(spans, 'prompt').parentId).toBe(attempts[1]?.id);
  });

  it('a node that fails marks itself, its prompt and the attempt by the code of the job', async (test) => {
    const { jaeger, product } = await openTraced(test);
    const simulator = onlySimulator(product);
    const [gateway] = await Promise.all([product.gateway(), product.worker()]);
    simulator.faults.current.nodeError = { node: 'KSampler', kind: 'exception' };
    const { traceId, traceparent } = newTrace();
    const job = await gateway.generate({ headers: { traceparent } });
    expect((await gateway.watch(job.id).end()).job.status).toBe('FAILED');
    const names = ['KSampler', 'prompt', 'process job'];
    const spans = await spansOf(jaeger, traceId, names);
    for (const name of names) {
      expect(only(spans, name).tags).toMatchObject({ error: true, 'error.type': 'EXECUTION_FAILED' });
    }
  });

  it('show an operation that is refused, by the code that its caller got', async (test) => {
    const { jaeger, product } = await openTraced(test);
    const gateway = await product.gateway();
    const { traceId, parentId, traceparent } = newTrace();
    await gateway.post('{ nothingOfThisName }', {}, { traceparent });
    const [refused, ...more] = await spansOf(jaeger, traceId, ['graphql.query other']);
    expect(more).toEqual([]);
    expect(refused).toMatchObject({ parentId, tags: { error: true, 'error.type': 'GRAPHQL_VALIDATION_FAILED' } });
  });

  it('are off by default: nothing is sent, and no SDK is loaded', async (test) => {
    const jaeger = await startTestJaeger();
    test.onTestFinished(jaeger.close);
    const product = await openProduct(test, { env: { NODE_OPTIONS: REPORT_OTEL } });
    const [gateway, worker] = await Promise.all([product.gateway(), product.worker()]);
    const job = await gateway.generate({ headers: { traceparent: newTrace().traceparent } });
    expect((await gateway.watch(job.id).end()).job.status).toBe('SUCCEEDED');
    expect(await product.admin.hget(product.keys.job(job.id), 'traceparent')).toBe('');
    expect(await jaeger.services()).toEqual([]);
    for (const { output } of [gateway.process, worker]) {
      expect([...output().matchAll(/loaded @opentelemetry\/\S+/g)].map(String)).toEqual(['loaded @opentelemetry/api']);
    }
    const traced = await product.worker({ OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.endpoint });
    expect(traced.output()).toContain('loaded @opentelemetry/sdk-trace');
  });

  it('to a receiver that is away cost jobs nothing, and the log one line', async (test) => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const product = await openProduct(test, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
    const [gateway, worker] = await Promise.all([product.gateway(), product.worker()]);
    for (let i = 0; i < 3; i++) {
      const job = await gateway.generate();
      expect((await gateway.watch(job.id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    }
    await worker.until('traces were not delivered');
    const began = performance.now();
    expect(await worker.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(worker.output().match(/traces were not delivered/g)).toHaveLength(1);
  });

  it('to a receiver that never answers cost no more, and carry the headers that it asks for', async (test) => {
    const asked: (string | undefined)[] = [];
    const server = createServer((req) => asked.push(req.headers.authorization)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    test.onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const folder = await tempFolder();
    test.onTestFinished(folder.remove);
    const secret = randomBytes(16).toString('hex');
    const headers = join(folder.path, 'headers');
    await writeFile(headers, `authorization=Bearer%20${secret}\n`);
    const product = await openProduct(test, {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${address.port}`,
        OTEL_EXPORTER_OTLP_HEADERS_FILE: headers,
      },
    });
    const both = await product.both();
    const job = await both.generate();
    expect((await both.watch(job.id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    await both.process.until('traces were not delivered');
    expect(new Set(asked)).toEqual(new Set([`Bearer ${secret}`]));
    const began = performance.now();
    expect(await both.process.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(both.process.output()).not.toContain(secret);
  });
});
