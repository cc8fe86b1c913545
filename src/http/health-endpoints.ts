import type { ServerResponse } from 'node:http';
import type { Health } from '../health/health.ts';
import { sendJson } from './reply.ts';

export interface HealthEndpointOptions {
  health: Health;
  /** Whether requests can be served: Redis answers within 250 ms and the process is not about to stop. */
  ready: () => Promise<boolean>;
}

/** What orchestrators and load balancers ask. A path that is none of these gives no handler. */
export function createHealthEndpoints({ health, ready }: HealthEndpointOptions) {
  const endpoints = new Map<string, (res: ServerResponse) => Promise<void>>([
    ['/healthz', async (res) => sendJson(res, 200, { status: 'ok' })],
    [
      '/readyz',
      async (res) => {
        const isReady = await ready();
        sendJson(res, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready' });
      },
    ],
    [
      '/health',
      async (res) => {
        const { status } = await health();
        sendJson(res, status === 'UNHEALTHY' ? 503 : 200, { status });
      },
    ],
  ]);
  return (path: string) => endpoints.get(path);
}
