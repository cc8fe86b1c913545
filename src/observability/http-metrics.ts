import { Histogram } from 'prom-client';
import type { ProcessMetrics } from './process-metrics.ts';

/** The kind of a request. `socket` is an upgrade to WebSocket that was refused. */
export type HttpRoute = 'graphql' | 'mcp' | 'socket' | 'download' | 'upload' | 'variant' | 'health' | 'other';

/** `status`: the status code of the response, or `none` where the client left before there was one. */
export type OnAnswered = (route: HttpRoute, status: string, seconds: number) => void;

/** In seconds, up to the longest time that the transfer of a file may take. */
const HTTP_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];

export function createHttpMetrics({ registry }: ProcessMetrics): OnAnswered {
  const requests = new Histogram({
    name: 'comfygate_http_request_seconds',
    help: 'Time from a request until its answer is out, a file or a stream to its end.',
    labelNames: ['route', 'status'],
    buckets: HTTP_BUCKETS,
    registers: [registry],
  });
  return (route, status, seconds) => requests.observe({ route, status }, seconds);
}
