import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import { GatewayError, notFound } from '../../../src/core/errors.ts';
import { createSocketOperations } from '../../../src/http/graphql/socket-operations.ts';
import { createOperationMetrics } from '../../../src/observability/operation-metrics.ts';
import { createProcessMetrics } from '../../../src/observability/process-metrics.ts';
import { parseFigures } from '../../support/figures.ts';
import { testBounds, testEvent, testGraph, testServices } from '../../support/graph-services.ts';

const WATCH = 'subscription { jobProgress(id: "job") { seq } }';

async function start(jobs: Parameters<typeof testServices>[0] = {}) {
  const services = await testServices(jobs);
  const process = createProcessMetrics({ role: 'gateway', version: '1' });
  const clock = { ms: Date.UTC(2030, 0, 31, 12) };
  const metrics = createOperationMetrics(process, ['jobProgress', 'jobsProgress'], () => clock.ms);
  const { engine, contextValue } = await testGraph(services, metrics);
  const figures = async () => parseFigures(await process.text());

  async function run(query: string) {
    const document = engine.parse(query);
    return engine.validate(document).length ? null : await engine.execute({ document, contextValue });
  }
  async function watch(query = WATCH) {
    const events = await engine.source({ document: engine.parse(query), contextValue });
    if (!(Symbol.asyncIterator in events)) throw new Error('refused');
    return events[Symbol.asyncIterator]();
  }
  const answered = async (labels: { operation: string; type: string; code: string }) =>
    (await figures()).value('comfygate_operation_duration_seconds_count', labels);
  const open = async () => (await figures()).value('comfygate_subscriptions', { operation: 'jobProgress' });
  return { services, engine, contextValue, clock, metrics, figures, run, watch, answered, open };
}

describe('an operation', () => {
  test('is counted under its root field and the code of its first error', async () => {
    const { run, answered } = await start({
      jobs: { get: () => Promise.reject(notFound('job')), list: () => Promise.reject(new Error('a bug')) },
    });
    await run('{ health { status } }');
    await run('query { job(id: "a") { id } }');
    await run('{ jobs { edges { node { id } } } }');
    expect(await answered({ operation: 'health', type: 'query', code: 'OK' })).toBe(1);
    expect(await answered({ operation: 'job', type: 'query', code: 'NOT_FOUND' })).toBe(1);
    expect(await answered({ operation: 'jobs', type: 'query', code: 'INTERNAL' })).toBe(1);
  });

  test('that is refused is counted as well, by whatever it would have been', async () => {
    const { engine, run, answered, contextValue } = await start();
    await run('{ job(id: "a") { nothing } }');
    await run('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }');
    expect(() => engine.parse('{')).toThrow('Syntax Error');
    const document = engine.parse('subscription W($id: ID!) { jobProgress(id: $id) { seq } }');
    await engine.source({ document, contextValue });
    expect(await answered({ operation: 'job', type: 'query', code: 'GRAPHQL_VALIDATION_FAILED' })).toBe(1);
    expect(await answered({ operation: 'other', type: 'query', code: 'GRAPHQL_VALIDATION_FAILED' })).toBe(1);
    expect(await answered({ operation: 'other', type: 'other', code: 'GRAPHQL_PARSE_FAILED' })).toBe(1);
    expect(await answered({ operation: 'jobProgress', type: 'subscription', code: 'BAD_USER_INPUT' })).toBe(1);
  });

  test('that a socket does not begin is counted, too', async () => {
    const { engine, services, answered } = await start();
    const operations = createSocketOperations({ ...testBounds(), engine, services, maxOperations: 1 });
    const owner = operations.enter({
      requestId: 'r',
      identity: anonymous,
      client: 'a',
      headers: {},
      send: async () => {},
    });
    const context = { connectionInitReceived: true, acknowledged: true, subscriptions: {}, extra: owner };
    const begin = (query: string) => operations.hooks.onSubscribe?.(context, 'id', { query });
    await begin('mutation { deleteJob(id: "a") }');
    await begin('query A { health { status } } query B { health { status } }');
    await begin('{ health { status } }');
    await begin('{ health { status } }');
    expect(await answered({ operation: 'deleteJob', type: 'mutation', code: 'FORBIDDEN' })).toBe(1);
    expect(await answered({ operation: 'other', type: 'other', code: 'OPERATION_RESOLUTION_FAILURE' })).toBe(1);
    expect(await answered({ operation: 'other', type: 'other', code: 'LIMIT_EXCEEDED' })).toBe(1);
  });

  test('brings no name into a label that is not the schema’s, and no code that is not ours', async () => {
    const { run, figures, metrics } = await start();
    const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/);
    await fc.assert(
      fc.asyncProperty(name, name, name, async (operation, field, alias) => {
        await run(`query ${operation} { ${field} }`);
        await run(`query ${operation} { ${alias}: __schema { __typename } }`);
        await run(`query ${operation} { ${alias}: health { ${field} } }`);
        metrics.onRefused({ operation: 'health', type: 'query' }, field, 0);
      }),
      { numRuns: 50, examples: [['constructor', 'toString', '__proto__']] },
    );
    const seen = await figures();
    const of = (label: string) => seen.labels('comfygate_operation_duration_seconds_count', label).sort();
    expect(of('operation')).toEqual(['health', 'other']);
    expect(of('type')).toEqual(['query']);
    expect(of('code')).toEqual(['GRAPHQL_VALIDATION_FAILED', 'OK', 'other']);
  });
});

describe('a subscription', () => {
  test('has sent an event when its reader asks for the next one', async () => {
    const { services, clock, figures, watch, open } = await start();
    services.feed.open('job');
    const events = await watch();
    expect(await open()).toBe(1);
    services.feed.say('job', testEvent(1, { type: 'SNAPSHOT', at: clock.ms }));
    services.feed.say('job', testEvent(2, { type: 'PROGRESS', at: clock.ms + 20 }));
    await events.next();
    clock.ms += 30;
    expect(
      (await figures()).value('comfygate_first_event_seconds_count', { operation: 'jobProgress' }),
    ).toBeUndefined();
    await events.next();
    clock.ms += 2;
    services.feed.end('job');
    expect((await events.next()).done).toBe(true);
    const seen = await figures();
    expect(seen.value('comfygate_first_event_seconds_sum', { operation: 'jobProgress' })).toBeCloseTo(0.03);
    expect(seen.value('comfygate_event_delivery_seconds_count')).toBe(1);
    expect(seen.value('comfygate_event_delivery_seconds_sum')).toBeCloseTo(0.012);
    expect(seen.value('comfygate_events_sent_total', { type: 'SNAPSHOT' })).toBe(1);
    expect(seen.value('comfygate_events_sent_total', { type: 'PROGRESS' })).toBe(1);
    expect(await open()).toBe(0);
  });

  test('does not take what is replayed for slow', async () => {
    const { services, clock, figures, watch } = await start();
    services.feed.open('job');
    const events = await watch();
    services.feed.say('job', testEvent(1, { type: 'QUEUED', at: clock.ms - 3_600_000 }));
    services.feed.end('job');
    for (let step = await events.next(); !step.done; ) step = await events.next();
    const seen = await figures();
    expect(seen.value('comfygate_events_sent_total', { type: 'QUEUED' })).toBe(1);
    expect(seen.value('comfygate_event_delivery_seconds_count')).toBe(0);
  });

  test('is no longer open when its client leaves, its feed fails or both', async () => {
    const { services, watch, open } = await start();
    services.feed.open('job');
    const between = await watch();
    services.feed.say('job', testEvent(1));
    await between.next();
    await between.return?.();
    expect(await open()).toBe(0);
    const [left, failed] = [await watch(), await watch()];
    const [waiting, failing] = [left.next(), failed.next()];
    expect(await open()).toBe(2);
    await left.return?.();
    await left.return?.();
    expect(await open()).toBe(1);
    services.feed.fail('job', new GatewayError('away', { code: 'UNAVAILABLE', retryAfter: 1 }));
    await expect(failing).rejects.toThrow('away');
    await failed.return?.();
    expect(await open()).toBe(0);
    expect((await waiting).done).toBe(true);
  });
});
