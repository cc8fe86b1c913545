import { Counter, Gauge, Histogram } from 'prom-client';
import type { Job, JobErrorCode, TerminalStatus } from '../core/job.ts';
import { oneOf, type ProcessMetrics } from './process-metrics.ts';

/**
 * The outcome of an attempt at a job. `retried`: it failed, counts as one of JOB_ATTEMPTS, and the job is queued again.
 * `put_back`: the job is queued again and the attempt does not count. `lost`: another worker has taken the job.
 * `ended`: the job was ended elsewhere, by its deadline. `error`: the result could not be written.
 */
export const attemptOutcomes = [
  'succeeded',
  'failed',
  'canceled',
  'retried',
  'put_back',
  'lost',
  'ended',
  'error',
] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

const breakerStates = ['closed', 'open', 'half_open'] as const;
const backendStates = ['up', 'down', 'draining'] as const;

export interface WorkerMetrics {
  /** A worker has taken a job, for the first time or again. */
  jobClaimed(job: Pick<Job, 'workflow' | 'attempts' | 'createdAt' | 'startedAt'>): void;
  /**
   * This worker ended the job, `seconds` after its last claim. Null: the claim itself ended it, since its cancellation
   * had been requested before.
   */
  jobEnded(job: Pick<Job, 'workflow'>, status: TerminalStatus, code: JobErrorCode | '', seconds: number | null): void;
  /** ComfyUI has executed the job's prompt in this time, which does not include its wait in ComfyUI's queue. */
  jobGenerated(job: Pick<Job, 'workflow'>, seconds: number): void;
  /** All results of a job were stored. */
  jobUploaded(seconds: number): void;
  attemptEnded(outcome: AttemptOutcome): void;
  breakerChanged(backend: string, to: 'closed' | 'open' | 'halfOpen'): void;
  /** The names in the catalogue have become these. */
  setWorkflows(names: readonly string[]): void;
}

const QUEUE_BUCKETS = [0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400];
const RUN_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600, 1_200, 3_600];
const UPLOAD_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600];

/** `workflows`: the names in the catalogue. `backends`: the names of this worker's servers. */
export function createWorkerMetrics(
  metrics: ProcessMetrics,
  { workflows, backends }: { workflows: readonly string[]; backends: readonly string[] },
): WorkerMetrics {
  const registers = [metrics.registry];
  const queued = new Histogram({
    name: 'comfygate_job_queue_seconds',
    help: 'Time from the acceptance of a job until a worker first took it.',
    labelNames: ['workflow'],
    buckets: QUEUE_BUCKETS,
    registers,
  });
  const ran = new Histogram({
    name: 'comfygate_job_run_seconds',
    help: 'Time from the last claim of a job to its end, whatever that is.',
    labelNames: ['workflow'],
    buckets: RUN_BUCKETS,
    registers,
  });
  const generated = new Histogram({
    name: 'comfygate_job_generation_seconds',
    help: "Time from ComfyUI's start of a job's prompt to its end, whatever that is.",
    labelNames: ['workflow'],
    buckets: RUN_BUCKETS,
    registers,
  });
  const uploads = new Histogram({
    name: 'comfygate_job_upload_seconds',
    help: 'Time in which all results of a job were fetched from ComfyUI, checked and stored.',
    buckets: UPLOAD_BUCKETS,
    registers,
  });
  const attempts = new Counter({
    name: 'comfygate_job_attempts_total',
    help: 'Attempts at jobs, by what became of them.',
    labelNames: ['outcome'],
    registers,
  });
  const breaker = new Counter({
    name: 'comfygate_breaker_changes_total',
    help: 'Changes of the circuit breaker of a ComfyUI server, by what it changed to.',
    labelNames: ['backend', 'to'],
    registers,
  });
  // Counters start at 0: rate() does not see the first event of a series that begins with it.
  for (const outcome of attemptOutcomes) attempts.inc({ outcome }, 0);
  for (const backend of backends) for (const to of breakerStates) breaker.inc({ backend, to }, 0);
  const begun = new Set<string>();
  let workflowOf: (name: string) => string;

  function setWorkflows(names: readonly string[]): void {
    const named = [...names, 'custom'];
    // The same for long jobs: they are rare, so the first one of a workflow must show in rate().
    for (const workflow of named) if (!begun.has(workflow)) generated.zero({ workflow });
    for (const workflow of named) begun.add(workflow);
    workflowOf = oneOf(named);
  }

  setWorkflows(workflows);

  return {
    jobClaimed({ workflow, attempts: claims, createdAt, startedAt }) {
      // Both times are of Redis's clock.
      if (claims === 1 && startedAt !== null) {
        queued.observe({ workflow: workflowOf(workflow) }, Math.max(0, startedAt - createdAt) / 1000);
      }
    },
    jobEnded({ workflow }, status, code, seconds) {
      metrics.jobEnded(workflowOf(workflow), status, code);
      if (seconds !== null) ran.observe({ workflow: workflowOf(workflow) }, seconds);
    },
    jobGenerated: ({ workflow }, seconds) => generated.observe({ workflow: workflowOf(workflow) }, seconds),
    jobUploaded: (seconds) => uploads.observe(seconds),
    attemptEnded: (outcome) => attempts.inc({ outcome }),
    breakerChanged: (backend, to) => breaker.inc({ backend, to: to === 'halfOpen' ? 'half_open' : to }),
    setWorkflows,
  };
}

/** `read` returns the servers that this worker has reached or tried to reach, with their current status. */
export function registerBackendStates(
  { registry }: ProcessMetrics,
  read: () => readonly { name: string; status: 'UP' | 'DOWN' | 'DRAINING' }[],
): void {
  new Gauge({
    name: 'comfygate_backend_state',
    help: 'How this worker sees a ComfyUI server: 1 for its state, 0 for the others.',
    labelNames: ['backend', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, status } of read()) {
        for (const state of backendStates) this.set({ backend: name, state }, status.toLowerCase() === state ? 1 : 0);
      }
    },
  });
}
