import { randomUUID } from 'node:crypto';
import { type Logger, pino } from 'pino';
import { v7 } from 'uuid';
import type { NewJob } from '../../src/job-record/job-store.ts';
import type { AddTicket } from '../../src/job-record/redis/fair.ts';
import { createRedisGatewayStore } from '../../src/job-record/redis/redis-gateway-store.ts';
import { createRedisWorkerStore } from '../../src/job-record/redis/redis-worker-store.ts';
import { closeRedis, connectRedis, whenReady } from '../../src/redis/connection.ts';
import { createKeys, type Keys } from '../../src/redis/keys.ts';

export const silent: Logger = pino({ level: 'silent' });

/** A job of any workflow, with a new key. */
export function newJob(overrides: Partial<NewJob> = {}): NewJob {
  return {
    id: v7(),
    caller: 'anonymous',
    idempotencyKey: randomUUID(),
    fingerprint: 'f',
    workflow: 'textToImage',
    template: null,
    parameters: { prompt: 'a lighthouse' },
    nodesTotal: 7,
    priority: 'NORMAL',
    tags: [],
    retryOf: null,
    deadlineMs: 60_000,
    requestId: 'test',
    client: null,
    traceparent: null,
    ...overrides,
  };
}

export interface StoresOptions {
  retentionMs?: number;
  noBackendGraceMs?: number;
  maxOpenBytes?: number;
  addTicket?: AddTicket;
  /** Of a product, to work on its jobs. Default: a new prefix. */
  keys?: Keys;
}

/** The gateway's and the worker's store of job records on a Redis. */
export async function openStores(url: string, options: StoresOptions = {}) {
  const keys = options.keys ?? createKeys(`test-${randomUUID()}`);
  const redis = connectRedis({ url, role: 'request', log: silent });
  const durable = connectRedis({ url, role: 'durable', log: silent });
  await Promise.all([whenReady(redis), whenReady(durable)]);
  const retentionMs = options.retentionMs ?? 86_400_000;
  const gateway = createRedisGatewayStore({
    redis,
    keys,
    retentionMs,
    idempotencyTtlMs: 86_400_000,
    noBackendGraceMs: options.noBackendGraceMs ?? 300_000,
    ...(options.addTicket ? { addTicket: options.addTicket } : {}),
    ...(options.maxOpenBytes === undefined ? {} : { maxOpenBytes: options.maxOpenBytes }),
  });
  const worker = createRedisWorkerStore(durable, keys, retentionMs, options.addTicket);
  return {
    keys,
    redis,
    durable,
    gateway,
    worker,
    async close() {
      await Promise.all([closeRedis(redis), closeRedis(durable)]);
    },
  };
}
