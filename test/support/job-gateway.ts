import { onTestFinished } from 'vitest';
import { createComfy } from '../../client/src/comfy.ts';
import type { Job } from '../../src/core/job.ts';
import { testEvent, testJob, testServices } from './graph-services.ts';
import { startTestServer } from './http-server.ts';
import { createTestFeed } from './test-feed.ts';

const { id } = testJob();
/** Of the feed of all jobs. */
export const ALL = 'all';
/** Ids of the jobs that are made, of which the first is `id`. */
export const nth = (n: number) => `${id.slice(0, -1)}${(7 + n) % 10}`;

/** A gateway whose jobs the test says, and a client of it. */
export async function openJobGateway(...jobs: Job[]) {
  const kept = new Map(jobs.map((job) => [job.id, job]));
  const calls = { generate: 0, list: 0, sent: 0 };
  /** What an answer to a call for a list waits for, when it has been read. */
  const gate = { list: Promise.resolve() };
  const changes = createTestFeed();
  changes.open(ALL);
  const services = await testServices({
    changes: { watch: ({ identity }) => changes.watch({ jobId: ALL, identity, afterSeq: null }) },
    jobs: {
      queuePosition: async () => null,
      async generate() {
        const job = testJob({ id: nth(calls.generate++), status: 'QUEUED' });
        kept.set(job.id, job);
        services.feed.open(job.id);
        return { job, replayed: false };
      },
      get: async (_identity, wanted) => kept.get(wanted) ?? null,
      async cancel(_identity, wanted) {
        services.feed.say(wanted, testEvent(9, { type: 'CANCELED', job: testJob({ status: 'CANCELED', seq: 9 }) }));
        services.feed.end(wanted);
        return testJob({ status: 'CANCELED', seq: 9 });
      },
      async list({ first, after }) {
        calls.list += 1;
        const all = [...kept.values()].sort((a, b) => b.createdAt - a.createdAt);
        const page = all.filter(({ createdAt }) => after === null || createdAt < Number(after)).slice(0, first);
        const edges = page.map((job) => ({ cursor: String(job.createdAt), job }));
        const [last] = edges.slice(-1);
        await gate.list;
        return { edges, hasNextPage: last?.job !== all.at(-1), endCursor: last?.cursor ?? null };
      },
    },
  });
  services.feed.open(id);
  const { server } = await startTestServer({ services });
  const comfy = createComfy({
    url: server.url,
    fetch(...call) {
      calls.sent += 1;
      return fetch(...call);
    },
  });
  onTestFinished(() => comfy.close());
  /** Something happens to a job, and whoever follows all of them hears of it. */
  function happens(type: 'QUEUED' | 'STARTED' | 'SUCCEEDED', job: Job) {
    kept.set(job.id, job);
    changes.say(ALL, testEvent(job.seq, { type, job }));
  }
  const watchers = () => ({ job: services.feed.stats().watchers, all: changes.stats().watchers });
  return { comfy, services, changes, calls, gate, kept, happens, watchers };
}
