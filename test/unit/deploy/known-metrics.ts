import { collectDefaultMetrics, Registry } from 'prom-client';

/** Label names of each metric that gateway and worker have, by the names under which Prometheus stores its series. */
export async function knownMetrics(): Promise<Map<string, string[]>> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const known = new Map<string, string[]>();
  for (const { name, type, values } of await registry.getMetricsAsJSON()) {
    add(known, name, String(type), [...new Set(values.flatMap(({ labels }) => Object.keys(labels)))]);
  }
  for (const line of OWN.trim().split('\n')) {
    const [name = '', type = '', ...labels] = line.split(' ');
    add(known, name, type, labels);
  }
  return known;
}

function add(known: Map<string, string[]>, name: string, type: string, labels: string[]): void {
  if (type !== 'histogram') {
    known.set(name, labels);
    return;
  }
  known.set(`${name}_bucket`, [...labels, 'le']);
  for (const part of ['sum', 'count']) known.set(`${name}_${part}`, labels);
}

const OWN = `
comfygate_operation_duration_seconds histogram operation type code
comfygate_first_event_seconds histogram operation
comfygate_event_delivery_seconds histogram
comfygate_sockets gauge
comfygate_subscriptions gauge operation
comfygate_events_sent_total counter type
comfygate_events_conflated_total counter
comfygate_jobs_accepted_total counter workflow replayed
comfygate_queue_jobs gauge status
comfygate_queue_oldest_seconds gauge
comfygate_workers gauge
comfygate_backends gauge status
comfygate_dependency_up gauge name
comfygate_redis_durable gauge
comfygate_jobs_ended_total counter workflow status code
comfygate_job_queue_seconds histogram workflow
comfygate_job_run_seconds histogram workflow
comfygate_job_upload_seconds histogram
comfygate_job_attempts_total counter outcome
comfygate_backend_state gauge backend state
comfygate_breaker_changes_total counter backend to
comfygate_redis_call_seconds histogram command
comfygate_storage_call_seconds histogram operation outcome
comfygate_build_info gauge version role
`;
