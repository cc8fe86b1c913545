import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isTerminal, type JobStatus } from '../../../src/core/job.ts';
import { type MoveName, moves } from '../../../src/core/moves.ts';
import { createTransition, type Transition } from '../../../src/job-record/redis/transition.ts';
import { newJob, openStores } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;
let transition: Transition;

beforeAll(async () => {
  server = await startTestRedis();
  stores = await openStores(server.url);
  transition = createTransition(stores.redis, stores.keys, 1_000);
});
afterAll(async () => {
  await stores.close();
  await server.close();
});

const names = Object.keys(moves) as MoveName[];
/** A move by the holder of the latest lease, or of the one before it. */
const step = fc.record({ move: fc.constantFrom(...names), stale: fc.integer({ min: 0, max: 3 }).map((n) => n === 0) });

interface Model {
  status: JobStatus;
  seq: number;
  lease: number;
  canceling: boolean;
  log: string[];
  /** Its part of its caller's changes. */
  changes: string[];
}

/** What core/moves.ts says must come of a move; the answer is the outcome. */
function apply(model: Model, name: MoveName, lease: number): 'done' | 'refused' | 'lost' {
  const move = moves[name];
  if (move.fenced && lease !== model.lease) return 'lost';
  const steps: Partial<Record<JobStatus, { to: JobStatus; event: string | null; add?: readonly string[] }>> =
    move.steps;
  const found = steps[model.status];
  if (!found || (name === 'requestCancel' && model.canceling)) return 'refused';
  const canceled = move.yieldsToCancel && model.canceling;
  if (!canceled && found.add?.includes('lease')) model.lease++;
  const event = canceled ? 'CANCELED' : found.event;
  model.status = canceled ? 'CANCELED' : found.to;
  if (event === 'CANCEL_REQUESTED') model.canceling = true;
  if (event) {
    model.seq++;
    if (isTerminal(model.status)) model.log = model.log.filter((entry) => !entry.endsWith('PROGRESS'));
    model.log.push(`${model.seq}-0 ${event}`);
    if (event !== 'PROGRESS') model.changes.push(`${model.seq} ${event}`);
  }
  return 'done';
}

let callers = 0;

it('does with any sequence of moves what the table says, in record, logs and indexes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (sequence) => {
      const { id } = newJob();
      const caller = `caller-${callers++}`;
      await stores.gateway.accept(newJob({ id, caller }));
      const model: Model = {
        status: 'QUEUED',
        seq: 1,
        lease: 0,
        canceling: false,
        log: ['1-0 QUEUED'],
        changes: ['1 QUEUED'],
      };

      for (const { move, stale } of sequence) {
        const lease = stale ? model.lease - 1 : model.lease;
        const expected = apply(model, move, lease);
        expect((await transition({ id, move, lease })).outcome).toBe(expected);
      }

      const job = await stores.gateway.get(id);
      expect(job).toMatchObject({ status: model.status, seq: model.seq, lease: model.lease });
      expect([job?.finishedAt === null, job?.expiresAt === null]).toEqual(Array(2).fill(!isTerminal(model.status)));
      const log = await stores.redis.xrange(stores.keys.events(id), '-', '+');
      expect(log.map(([seq, fields]) => `${seq} ${fields[5] ?? fields[1]}`)).toEqual(model.log);

      const changes = await stores.redis.xrange(stores.keys.changes(caller), '-', '+');
      const own = changes.map(([, fields]) => fields).filter((fields) => fields[1] === id);
      expect(own.map(([, , , seq, , type]) => `${seq} ${type}`)).toEqual(model.changes);
      // Both logs say the same time.
      const times = new Map(log.map(([seq, fields]) => [Number.parseInt(seq, 10), fields[3]]));
      for (const [, , , seq, , , , at] of own) expect(at).toBe(times.get(Number(seq)));

      const { keys, redis } = stores;
      const [open, ended, queued, running, all, ofStatus] = await Promise.all(
        [
          keys.open,
          keys.ended,
          keys.status('QUEUED'),
          keys.status('RUNNING'),
          keys.jobs(caller),
          keys.jobs(caller, model.status),
        ].map(async (index) => (await redis.zscore(index, id)) !== null),
      );
      expect({ open, ended, queued, running, all, ofStatus }).toEqual({
        open: !isTerminal(model.status),
        ended: isTerminal(model.status),
        queued: model.status === 'QUEUED',
        running: model.status === 'RUNNING',
        all: true,
        ofStatus: true,
      });
    }),
    { numRuns: 150 },
  );
});
