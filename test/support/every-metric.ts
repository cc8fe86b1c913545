import { z } from 'zod';
import { createGatewayMetrics, createSocketCuts, registerSockets } from '../../src/observability/gateway-metrics.ts';
import { createHttpMetrics } from '../../src/observability/http-metrics.ts';
import { registerInstallation } from '../../src/observability/installation-metrics.ts';
import { createOperationMetrics } from '../../src/observability/operation-metrics.ts';
import { createProcessMetrics } from '../../src/observability/process-metrics.ts';
import { createWorkerMetrics, registerBackendStates } from '../../src/observability/worker-metrics.ts';

const metricSchema = z.object({ name: z.string(), type: z.string(), labelNames: z.array(z.string()) });

/** Every metric that the product registers, in a process that is gateway and worker. */
export function everyMetric(): z.infer<typeof metricSchema>[] {
  const never = () => Promise.reject(new Error('nothing is read here'));
  const metrics = createProcessMetrics({ role: 'all', version: '0.0.0' });
  createGatewayMetrics(metrics, []);
  createOperationMetrics(metrics, [], Date.now);
  createHttpMetrics(metrics);
  registerSockets(metrics, () => 0);
  createSocketCuts(metrics);
  registerInstallation(
    metrics,
    { counts: never, liveWorkers: never, backends: never, durable: never, checkStorage: never },
    Object.assign(() => undefined, { over: () => undefined }),
  );
  createWorkerMetrics(metrics, { workflows: [], backends: [] });
  registerBackendStates(metrics, () => []);
  return metrics.registry.getMetricsAsArray().map((metric) => metricSchema.parse(metric));
}
