import { Counter, Gauge } from 'prom-client';
import { isTerminal, type Job } from '../core/job.ts';
import { type LimitName, limitNames } from '../core/limits.ts';
import { oneOf, type ProcessMetrics } from './process-metrics.ts';

export interface GatewayMetrics {
  /** A job was accepted. `replayed`: its idempotency key had created it before, and it was returned again. */
  jobAccepted(job: Pick<Job, 'workflow'>, replayed: boolean): void;
  /** The gateway itself ended a job: it canceled a QUEUED job, or the job's deadline had passed. */
  jobEnded(job: Pick<Job, 'workflow' | 'status' | 'error'>): void;
  /** A call was refused by a limit of its caller's plan. */
  limited(name: LimitName): void;
  /** A job was accepted that is likely to take so much. */
  reserved(gpuMs: number): void;
  /** An event was dropped for a slow watcher, since a newer one replaces it. */
  eventConflated(): void;
  /** Somebody brought credentials: `ok`, or what was wrong with them. */
  authenticated(result: string): void;
  /** The names in the catalogue have become these. */
  setWorkflows(names: readonly string[]): void;
}

/** `workflows`: the names in the catalogue. */
export function createGatewayMetrics(metrics: ProcessMetrics, workflows: readonly string[]): GatewayMetrics {
  const registers = [metrics.registry];
  const accepted = new Counter({
    name: 'comfygate_jobs_accepted_total',
    help: 'Jobs that were accepted; replayed: the key had made the job already, and it was given back.',
    labelNames: ['workflow', 'replayed'],
    registers,
  });
  const conflated = new Counter({
    name: 'comfygate_events_conflated_total',
    help: 'PROGRESS, PREVIEW and MOVED events that a newer one has replaced for a watcher that is slow.',
    registers,
  }).labels();
  const limited = new Counter({
    name: 'comfygate_calls_limited_total',
    help: "Calls that were refused by a limit of their caller's plan, by the limit.",
    labelNames: ['limit'],
    registers,
  });
  const reserved = new Counter({
    name: 'comfygate_gpu_seconds_reserved_total',
    help: 'What accepted jobs of callers with a plan are likely to take of servers.',
    registers,
  });
  for (const limit of limitNames) limited.inc({ limit }, 0);
  const authentications = new Counter({
    name: 'comfygate_authentications_total',
    help: 'Credentials that were brought, by what was found: ok, failed, or what was wrong with them.',
    labelNames: ['result'],
    registers,
  });
  let workflowOf = oneOf([...workflows, 'custom']);

  return {
    jobAccepted: ({ workflow }, replayed) =>
      accepted.inc({ workflow: workflowOf(workflow), replayed: String(replayed) }),
    jobEnded({ workflow, status, error }) {
      if (isTerminal(status)) metrics.jobEnded(workflowOf(workflow), status, error?.code ?? '');
    },
    limited: (limit) => limited.inc({ limit }),
    reserved: (gpuMs) => reserved.inc(gpuMs / 1000),
    eventConflated: () => conflated.inc(),
    authenticated: (result) => authentications.inc({ result }),
    setWorkflows(names) {
      workflowOf = oneOf([...names, 'custom']);
    },
  };
}

/**
 * Why a gateway cuts a WebSocket. `silent`: it has not answered a ping. `slow`: its client does not take what it has
 * asked for. `pings`: too many of its client's. `early`: too much before it has said who it is.
 */
const socketCuts = ['silent', 'slow', 'pings', 'early'] as const;
export type OnSocketCut = (why: (typeof socketCuts)[number]) => void;

export function createSocketCuts({ registry }: ProcessMetrics): OnSocketCut {
  const cuts = new Counter({
    name: 'comfygate_sockets_cut_total',
    help: 'WebSocket connections that the gateway has cut, by what their client did or left undone.',
    labelNames: ['why'],
    registers: [registry],
  });
  for (const why of socketCuts) cuts.inc({ why }, 0);
  return (why) => cuts.inc({ why });
}

/** `count` returns the number of open WebSockets. */
export function registerSockets({ registry }: ProcessMetrics, count: () => number): void {
  new Gauge({
    name: 'comfygate_sockets',
    help: 'WebSocket connections that are open.',
    registers: [registry],
    collect() {
      this.set(count());
    },
  });
}
