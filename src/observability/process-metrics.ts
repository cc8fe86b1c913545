import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { StorageFailure } from '../artifacts/artifact-store.ts';
import type { JobErrorCode, TerminalStatus } from '../core/job.ts';
import { childrenOf } from './children.ts';

/** What is taken of each bound that all clients share, of how much, and how often somebody was refused; by its name. */
export type BoundUses = Readonly<Record<string, { taken: number; most: number; refusals: number }>>;

export type ProcessRole = 'gateway' | 'worker' | 'all';

/**
 * The metrics of this process, and those that every role has. Metrics of one role are registered where it is started.
 */
export interface ProcessMetrics {
  registry: Registry;
  contentType: string;
  /** All metrics in Prometheus's text format. */
  text(): Promise<string>;
  /** A command to Redis was answered or has failed. `command` comes from our code, so its values are bounded. */
  redisCalled(command: string, seconds: number): void;
  storageCalled(operation: string, outcome: 'ok' | StorageFailure, seconds: number): void;
  jobEnded(workflow: string, status: TerminalStatus, code: JobErrorCode | ''): void;
  /** The number of workflow folders that cannot be used as they are now. */
  setBrokenWorkflows(count: number): void;
  /** Shows these bounds too, each time that the metrics are read. */
  addBounds(read: () => BoundUses): void;
}

const REDIS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const STORAGE_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Creates the registry of the process, which all roles in it share. */
export function createProcessMetrics({ role, version }: { role: ProcessRole; version: string }): ProcessMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'comfygate_build_info',
    help: 'Always 1; what this process is.',
    labelNames: ['version', 'role'],
    registers,
  }).set({ version, role }, 1);
  const redisCalls = new Histogram({
    name: 'comfygate_redis_call_seconds',
    help: 'Time from a Redis command to its answer or failure; commands that wait by intent are left out.',
    labelNames: ['command'],
    buckets: REDIS_BUCKETS,
    registers,
  });
  const storageCalls = new Histogram({
    name: 'comfygate_storage_call_seconds',
    help: 'Time of a call of the artifact storage: its outcome is ok, or why it failed.',
    labelNames: ['operation', 'outcome'],
    buckets: STORAGE_BUCKETS,
    registers,
  });
  const ended = new Counter({
    name: 'comfygate_jobs_ended_total',
    help: 'Jobs that this process has ended; code says why one FAILED and is empty otherwise.',
    labelNames: ['workflow', 'status', 'code'],
    registers,
  });
  const broken = new Gauge({
    name: 'comfygate_broken_workflows',
    help: 'Workflow folders that cannot be used as they are now; a process that starts would stop.',
    registers,
  });
  const bounds = registerBounds(registers);
  const redisCallsOf = childrenOf(redisCalls);

  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    redisCalled: (command, seconds) => redisCallsOf(command).observe(seconds),
    storageCalled: (operation, outcome, seconds) => storageCalls.observe({ operation, outcome }, seconds),
    jobEnded: (workflow, status, code) => ended.inc({ workflow, status, code }),
    setBrokenWorkflows: (count) => broken.set(count),
    addBounds: (read) => void bounds.push(read),
  };
}

/** Gives the list of what is read for the metrics of bounds, which the roles of a process fill. */
function registerBounds(registers: Registry[]): (() => BoundUses)[] {
  const readers: (() => BoundUses)[] = [];
  const uses = () => readers.flatMap((read) => Object.entries(read()));
  const options = { labelNames: ['bound'], registers };
  new Gauge({
    ...options,
    name: 'comfygate_bound_taken',
    help: 'How much is taken of a bound that all clients share.',
    collect() {
      for (const [bound, { taken }] of uses()) this.set({ bound }, taken);
    },
  });
  new Gauge({
    ...options,
    name: 'comfygate_bound_most',
    help: 'How much there is of it; one address or caller may have a part of it.',
    collect() {
      for (const [bound, { most }] of uses()) this.set({ bound }, most);
    },
  });
  new Counter({
    ...options,
    name: 'comfygate_bound_refusals_total',
    help: 'How often somebody was refused since there was none left for him.',
    collect() {
      this.reset();
      for (const [bound, { refusals }] of uses()) this.inc({ bound }, refusals);
    },
  });
  return readers;
}

/** Bounds the values of a label: a name that is not in `known` becomes `other`. */
export function oneOf(known: Iterable<string>): (name: string) => string {
  const names = new Set(known);
  return (name) => (names.has(name) ? name : 'other');
}
