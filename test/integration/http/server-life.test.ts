import { connect } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import type { HealthStatus } from '../../../src/health/health.ts';
import { testJob, testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';

describe('health endpoints', () => {
  test.each<[HealthStatus, number]>([
    ['HEALTHY', 200],
    ['DEGRADED', 200],
    ['UNHEALTHY', 503],
  ])('/health says %s with %i and nothing more', async (status, code) => {
    const services = await testServices();
    const health = async () => ({ ...(await services.health()), status });
    const { server } = await startTestServer({ services, health });
    const answer = await fetch(`${server.url}/health`);
    expect(answer.status).toBe(code);
    expect(await answer.json()).toEqual({ status });
  });

  test('/readyz follows what it is told, /healthz does not', async () => {
    let ready = true;
    const { server } = await startTestServer({ ready: async () => ready });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    ready = false;
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

describe('stopping', () => {
  test('a request under way is answered, a new one is not taken, an idle connection does not hold it up', async () => {
    let answer = () => {};
    const asked = vi.fn();
    const services = await testServices({
      jobs: {
        get: () => {
          asked();
          return new Promise((resolve) => {
            answer = () => resolve(testJob());
          });
        },
      },
    });
    const { server, post } = await startTestServer({ services });
    await (await post({ query: '{ __typename }' })).text();
    const underWay = post({ query: '{ job(id: "x") { id } }' });
    await vi.waitFor(() => expect(asked).toHaveBeenCalled());
    const closed = server.close(20_000);
    await expect(fetch(`${server.url}/healthz`, { headers: { connection: 'close' } })).rejects.toThrow();
    answer();
    expect((await underWay).status).toBe(200);
    const answered = performance.now();
    await closed;
    expect(performance.now() - answered).toBeLessThan(5_000);
  });

  test('what does not end by itself is cut after the grace time', async () => {
    const services = await testServices({ jobs: { get: () => new Promise(() => {}) } });
    const { server, post } = await startTestServer({ services });
    const lost = expect(post({ query: '{ job(id: "x") { id } }' })).rejects.toThrow();
    await vi.waitFor(async () => {
      const socket = connect(server.port, '127.0.0.1');
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.destroy();
    });
    await server.close(50);
    await lost;
  });

  test('a port that is taken is said', async () => {
    const { server } = await startTestServer();
    await expect(startTestServer({ port: server.port })).rejects.toThrow('EADDRINUSE');
  });
});
