import { once } from 'node:events';
import { get as httpGet } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import type { Probes, ProcessHealth } from '../../../src/health/health.ts';
import { type Part, startAdminServer } from '../../../src/http/admin-server.ts';
import { testLog } from '../../support/graph-services.ts';

const report: ProcessHealth = {
  status: 'HEALTHY',
  version: '1.2.3',
  checkedAt: Date.UTC(2030, 0, 31, 12),
  checks: [{ name: 'redis', status: 'HEALTHY', latencyMs: 0.5, message: null, since: Date.UTC(2030, 0, 31, 11) }],
};

function probes(changes: { hangs?: string[]; whyNotReady?: string[]; status?: ProcessHealth['status'] } = {}): Probes {
  const { hangs = [], whyNotReady = [], status = 'HEALTHY' } = changes;
  return { hangs: () => hangs, whyNotReady: async () => whyNotReady, report: async () => ({ ...report, status }) };
}

async function privatePort(parts: Part[]) {
  const { log, lines } = testLog();
  const admin = await startAdminServer({ host: '127.0.0.1', port: 0, log, parts });
  onTestFinished(() => admin.close(100));
  async function get(path: string) {
    const response = await fetch(`${admin.url}${path}`);
    return { code: response.status, ...(await response.json()) };
  }
  return { admin, get, lines };
}

test('a process lives while it starts, and is not ready before each of its parts is', async () => {
  const { admin, get } = await privatePort(['gateway', 'worker']);
  expect(await get('/healthz')).toEqual({ code: 200, status: 'alive' });
  expect(await get('/health')).toMatchObject({ code: 503, status: 'UNHEALTHY', message: 'it is starting' });
  admin.add('worker', probes());
  expect(await get('/readyz')).toEqual({ code: 503, status: 'not ready', reasons: ['gateway: it is starting'] });
  admin.add('gateway', probes());
  expect(await get('/readyz')).toEqual({ code: 200, status: 'ready' });
});

test('what hangs and what is lacking is said, each in its place', async () => {
  const { admin, get, lines } = await privatePort(['gateway', 'worker']);
  admin.add('gateway', probes());
  admin.add('worker', probes({ hangs: ['taking jobs stands still'], whyNotReady: ['redis does not answer'] }));
  expect(await get('/healthz')).toEqual({ code: 503, status: 'hung', reasons: ['worker: taking jobs stands still'] });
  expect(lines).toContainEqual(expect.objectContaining({ error: 'worker: taking jobs stands still' }));
  expect(await get('/readyz')).toEqual({
    code: 503,
    status: 'not ready',
    reasons: ['worker: redis does not answer'],
  });
});

test('a process that is both reports the gateway with the worker inside, and is well only when both are', async () => {
  const { admin, get } = await privatePort(['gateway', 'worker']);
  admin.add('gateway', probes());
  admin.add('worker', probes({ status: 'UNHEALTHY' }));
  const checks = [{ ...report.checks[0], since: '2030-01-31T11:00:00.000Z' }];
  const said = { version: '1.2.3', checkedAt: '2030-01-31T12:00:00.000Z', checks };
  expect(await get('/health')).toEqual({
    code: 503,
    status: 'HEALTHY',
    ...said,
    worker: { status: 'UNHEALTHY', ...said },
  });
});

test('other paths are answered where something was put there', async () => {
  const { admin } = await privatePort(['gateway']);
  admin.route('/metrics', async (_req, res) => void res.end('metric 1'));
  expect(await (await fetch(`${admin.url}/metrics?x=1`)).text()).toBe('metric 1');
  expect((await fetch(`${admin.url}/graphql`)).status).toBe(404);
});

test('on loopback it answers to no name of another machine, as a page in a browser would have led there', async () => {
  const { admin } = await privatePort(['gateway']);
  admin.route('/metrics', async (_req, res) => void res.end('metric 1'));
  const statusOf = async (path: string, host: string) => {
    const request = httpGet({ port: admin.port, host: '127.0.0.1', path, headers: { host } });
    const [response] = await once(request, 'response');
    response.resume();
    return response.statusCode;
  };
  for (const path of ['/metrics', '/health', '/healthz']) {
    expect(await statusOf(path, `evil.test:${admin.port}`), path).toBe(421);
    expect(await statusOf(path, `localhost:${admin.port}`), path).not.toBe(421);
  }
});
