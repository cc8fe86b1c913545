import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { openTarget, type Target } from '../../support/attack.ts';
import { disposals } from '../../support/disposals.ts';
import { generated } from '../../support/gateway-client.ts';
import { onlySimulator } from '../../support/product.ts';

const TERMINAL = ['SUCCEEDED', 'FAILED', 'CANCELED'];
const WATCH = 'subscription W($id: ID!, $after: Int) { jobProgress(id: $id, afterSeq: $after) { seq type } }';
const parallel = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make));
const page = z.object({
  jobs: z.object({
    nodes: z.array(z.object({ id: z.string() })),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  }),
});

describe('what the contract says, taken at its word', { timeout: 60_000 }, () => {
  const suite = disposals();
  let target: Target;

  beforeAll(async () => {
    target = await openTarget(suite);
  }, 120_000);
  afterAll(() => target.expectUnharmed());

  const remove = (id: string) => target.ask('mutation D($id: ID!) { deleteJob(id: $id) }', { id });
  const ended = async () => (await target.gateway.watch((await target.gateway.generate()).id).end()).job;

  /** The events of one subscription over SSE, by number and type, and whether it completed. */
  async function events(id: string, after: number | null) {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const { text } = await target.post(JSON.stringify({ query: WATCH, variables: { id, after } }), { headers });
    return [...text.matchAll(/"seq":(\d+),"type":"(\w+)"|event: (complete)/g)].map(([, seq, type, complete]) =>
      complete ? 'complete' : `${seq} ${type}`,
    );
  }

  it('jobProgress: every sentence on a job that has ended', async () => {
    const { id, seq } = await ended();
    const end = [`${seq} SUCCEEDED`, 'complete'];
    expect(await events(id, null)).toEqual([`${seq} SNAPSHOT`, ...end]);
    expect(await events(id, 0)).toEqual(['1 QUEUED', '2 STARTED', ...end]);
    expect(await events(id, seq - 1)).toEqual(end);
    expect(await events(id, seq)).toEqual(['complete']);
    for (const higher of [seq + 1, 2 ** 31 - 1]) expect(await events(id, higher)).toEqual([`${seq} SNAPSHOT`, ...end]);
  });

  it('cancelJob by a hundred at once: one end, and never SUCCEEDED once requested', async () => {
    const { faults } = onlySimulator(target.product);
    faults.set({ holdAt: 'KSampler' });
    const job = await target.gateway.generate();
    const watching = target.gateway.watch(job.id);
    await watching.until(({ job: { progress } }) => progress.node?.classType === 'KSampler');
    const asked = Array.from({ length: 100 }, () => target.gateway.cancel(job.id));
    await Promise.race(asked);
    // From now on it could succeed, were it not for what has been asked.
    faults.reset();
    await Promise.all(asked);
    expect((await watching.end()).type).toBe('CANCELED');
    expect(await target.gateway.cancel(job.id)).toMatchObject({ status: 'CANCELED', artifacts: [] });
  });

  it('deleteJob: not while open; its key stays used; a second time it is not there', async () => {
    const { faults } = onlySimulator(target.product);
    faults.set({ hold: true });
    const open = await target.gateway.generate();
    expect(await remove(open.id)).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('cancel it first'),
    });
    await target.gateway.cancel(open.id);
    faults.reset();

    const key = 'a key whose job is deleted';
    const { job } = generated(await target.gateway.tryGenerate({ key }));
    const [artifact] = (await target.gateway.watch(job.id).end()).job.artifacts;
    const gone = await parallel(50, () => remove(job.id));
    expect(gone.filter(({ data }) => JSON.stringify(data)?.includes(job.id)).length).toBeGreaterThan(0);
    expect(gone.every(({ code }) => code === undefined || code === 'NOT_FOUND')).toBe(true);
    expect((await remove(job.id)).code).toBe('NOT_FOUND');
    expect(await target.gateway.job(job.id)).toBeNull();
    expect((await target.gateway.tryGenerate({ key })).errors[0]?.extensions.code).toBe('NOT_FOUND');
    expect((await fetch(artifact?.url ?? '')).status).toBe(404);
  });

  it('generate, cancel, delete, read and watch one job at once: all codes are right, and it ends once', async () => {
    const key = 'a key in a crowd';
    const { job } = generated(await target.gateway.tryGenerate({ key }));
    const watched = events(job.id, null);
    const codes = new Set<string | undefined>();
    await parallel(30, async () => {
      const again = target.gateway.tryGenerate({ key });
      const others = [
        'mutation($id: ID!) { cancelJob(id: $id) { id } }',
        'mutation($id: ID!) { deleteJob(id: $id) }',
        '{ jobs { nodes { id queuePosition artifacts { url } } } }',
      ];
      const struck = await Promise.all(
        others.map((query) => target.ask(query, query.includes('$id') ? { id: job.id } : {})),
      );
      for (const { code } of struck) codes.add(code);
      codes.add((await again).errors[0]?.extensions.code);
    });
    for (const code of codes) expect([undefined, 'CONFLICT', 'NOT_FOUND']).toContain(code);
    const seen = await watched;
    const ends = seen.filter((event) => TERMINAL.some((type) => event.endsWith(` ${type}`)));
    // A record that was deleted under its watcher is told as NOT_FOUND instead.
    expect(ends.length).toBeLessThanOrEqual(1);
    expect(seen.at(-1)).toBe('complete');
  });

  it('jobs: bounds of first, cursors of an earlier page alone, each job once', async () => {
    const first = await target.ask('{ jobs(first: 1) { nodes { id } pageInfo { hasNextPage endCursor } } }');
    const { endCursor } = page.parse(first.data).jobs.pageInfo;
    for (const bad of ['0', '-1', '101', '2147483648', '"5"', '1.0']) {
      expect((await target.ask(`{ jobs(first: ${bad}) { nodes { id } } }`)).code).toBe('BAD_USER_INPUT');
    }
    const forged = ['NaN:x', '1', `99999999999999999999:${'a'.repeat(36)}`].map((text) =>
      Buffer.from(text).toString('base64url'),
    );
    for (const after of ['', 'x', '\0', `${endCursor}x`, endCursor?.toUpperCase(), 'A'.repeat(500_000), ...forged]) {
      const struck = await target.ask('query P($after: String) { jobs(after: $after) { nodes { id } } }', { after });
      expect(struck).toMatchObject({ code: 'BAD_USER_INPUT', issues: ['after: expected a cursor of an earlier page'] });
    }
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const struck = await target.ask(
        'query P($after: String) { jobs(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      const { nodes, pageInfo } = page.parse(struck.data).jobs;
      seen.push(...nodes.map(({ id }) => id));
      after = pageInfo.endCursor;
      if (!pageInfo.hasNextPage) break;
    }
    expect(seen).toEqual([...new Set(seen)].sort().reverse());
  });

  it('jobs: filters of odd values find nothing, or say what is expected', async () => {
    const filtered = (filter: object) =>
      target.ask('query F($filter: JobFilter) { jobs(filter: $filter) { nodes { id } } }', { filter });
    for (const filter of [{ status: [] }, { tag: '*' }, { tag: 'x'.repeat(500_000) }, { workflow: '\0' }]) {
      expect((await filtered(filter)).data).toEqual({ jobs: { nodes: [] } });
    }
    const instants = ['', 'x', '2020-01-01', '2020-13-01T00:00:00Z', '2021-02-29T00:00:00Z', '2020-01-01T00:00:00', 5];
    for (const createdAfter of instants)
      expect((await filtered({ createdAfter })).issues).toEqual([expect.stringMatching(/RFC 3339/)]);
    expect((await filtered({ status: ['NOPE'] })).issues).toEqual([expect.stringMatching(/expected one of CANCELED/)]);
  });

  it('ids that are none are of no job', async () => {
    const query = 'mutation C($id: ID!) { cancelJob(id: $id) { id } }';
    for (const id of ['', '*', '{comfygate}', '../x', 'a\0b', '\ud800', 'x'.repeat(500_000), 5, '__proto__']) {
      expect(await target.ask('query J($id: ID!) { job(id: $id) { id } }', { id })).toMatchObject({
        data: { job: null },
      });
      expect((await target.ask(query, { id })).code).toBe('NOT_FOUND');
      expect((await remove(String(id))).code).toBe('NOT_FOUND');
    }
  });

  it('url: seconds from 1 to 7 days, the same for a while, and for download when asked', async () => {
    const { id } = await ended();
    const url = async (args: string) => {
      const struck = await target.ask(`query U($id: ID!) { job(id: $id) { artifacts { url${args} } } }`, { id });
      return struck.code ?? /"url":"([^"]*)"/.exec(struck.text)?.[1] ?? '';
    };
    for (const bad of [0, -1, 604_801]) expect(await url(`(expiresIn: ${bad})`)).toBe('BAD_USER_INPUT');
    expect(await url('')).toBe(await url('(expiresIn: null, download: null)'));
    const download = await fetch(await url('(expiresIn: 604800, download: true)'));
    expect(download.headers.get('content-disposition')).toMatch(/^attachment/);
    const inline = await fetch(await url('(expiresIn: 60)'));
    expect(inline.headers.get('content-disposition')).toMatch(/^inline/);
  });

  it('deadlineSeconds: a job that has not ended by then is FAILED with TIMEOUT', async () => {
    const { faults } = onlySimulator(target.product);
    faults.current.hold = true;
    try {
      const { job } = generated(await target.gateway.tryGenerate({ input: { deadlineSeconds: 1 } }));
      const end = await target.gateway.watch(job.id).end();
      expect(end.job).toMatchObject({ status: 'FAILED', error: { code: 'TIMEOUT' } });
    } finally {
      faults.current.hold = false;
    }
  });
});
