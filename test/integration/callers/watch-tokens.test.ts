import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Identity } from '../../../src/callers/identity.ts';
import { createWatchTokens } from '../../../src/callers/watch-token.ts';
import type { JobFilter } from '../../../src/core/job.ts';
import { createWatchJobs } from '../../../src/jobs/watch-jobs.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

const tokens = createWatchTokens('a secret of this test and of no other', Date.now);
const all: JobFilter = { status: null, workflow: null, tag: null, createdAfter: null, createdBefore: null };
let server: TestRedis;
let product: UseCases;
const owner = callerNamed('owner', { keyId: 'key' });

beforeAll(async () => {
  server = await startTestRedis();
  product = await openUseCases(server.url);
});
afterAll(async () => {
  await product.close();
  await server.close();
});

const holder = (token: string | undefined): Identity => tokens.read(token ?? '') ?? expect.fail();
const watchJobs = () => createWatchJobs(tokens, product.jobs);
const make = async (tags: string[] = [], identity = owner) => (await product.generate({ identity, tags })).job.id;
const request = { jobs: null, tag: null, seconds: 900 };

/** All pages, each of one job. */
async function list(identity: Identity, filter: Partial<JobFilter> = {}): Promise<string[]> {
  const found: string[] = [];
  for (let after: string | null = null, more = true; more; ) {
    const page = await product.jobs.list({ identity, first: 1, after, filter: { ...all, ...filter } });
    found.push(...page.edges.map(({ job }) => job.id));
    after = page.endCursor;
    more = page.hasNextPage;
  }
  return found;
}

it('a list through a token has its jobs and no others, newest first, page by page', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 12; i++) ids.push(await make(i % 4 ? [] : ['fourth']));
  const some = [ids[1], ids[7], ids[3]].map(String);
  const made = await watchJobs().createToken(owner, { ...request, jobs: some });
  const byIds = holder(made?.token);
  const byTag = holder((await watchJobs().createToken(owner, { ...request, tag: 'fourth' }))?.token);
  expect(await list(byIds)).toEqual([ids[7], ids[3], ids[1]]);
  expect(await list(byTag)).toEqual([ids[8], ids[4], ids[0]]);
  expect(await list(byIds, { tag: 'fourth' })).toEqual([]);
  await product.jobs.cancel(owner, String(ids[3]));
  const canceled = await product.jobs.list({
    identity: byIds,
    first: 9,
    after: null,
    filter: { ...all, status: ['CANCELED'] },
  });
  expect(canceled.edges.map(({ job }) => job.id)).toEqual([ids[3]]);
});

it('no cursor of a token names a job that it does not see', async () => {
  const seen = await make(['seen']);
  const others = new Set<string>();
  for (let i = 0; i < 7; i++) others.add(await make());
  const identity = holder((await watchJobs().createToken(owner, { ...request, tag: 'seen' }))?.token);
  const page = await product.jobs.list({ identity, first: 1, after: null, filter: all });
  expect(page).toMatchObject({ edges: [], hasNextPage: true });
  const text = Buffer.from(page.endCursor ?? '', 'base64').toString('latin1');
  for (const id of others) expect(text).not.toContain(id);
  const next = await product.jobs.list({ identity, first: 1, after: page.endCursor, filter: all });
  expect(next.edges.map(({ job }) => job.id)).toEqual([seen]);
  const elsewhere = product.jobs.list({ identity: callerNamed('x'), first: 1, after: page.endCursor, filter: all });
  await expect(elsewhere).rejects.toMatchObject({ details: { issues: [{ code: 'invalid_cursor' }] } });
});

it('events of all jobs are those that may be seen', async () => {
  const first = await make();
  const watchers = await Promise.all(
    [
      holder((await watchJobs().createToken(owner, { ...request, jobs: [first] }))?.token),
      holder((await watchJobs().createToken(owner, { ...request, tag: 'mine' }))?.token),
      callerNamed('stranger'),
    ].map((identity) => product.changes.watch({ identity, filter: all })),
  );
  await make();
  await make([], callerNamed('another'));
  const tagged = await make(['mine']);
  const own = await make([], callerNamed('stranger'));
  await product.jobs.cancel(owner, first);
  const seen = await Promise.all(watchers.map(async (events) => (await events.next()).value?.job.id));
  expect(seen).toEqual([first, tagged, own]);
  await Promise.all(watchers.map((events) => events.return?.()));
});

it('a token is refused for what is not there, is of another, or is not as it should be', async () => {
  const create = (changes: object, identity = owner) =>
    watchJobs()
      .createToken(identity, { ...request, ...changes })
      .then(
        () => 'made',
        (error: { details: { code: string; issues?: { path: string[]; code: string }[] } }) =>
          error.details.issues?.map(({ path, code }) => `${path}: ${code}`) ?? error.details.code,
      );
  const mine = await make();
  const theirs = await make([], callerNamed('another'));
  expect(await create({ jobs: [mine, mine] })).toBe('made');
  for (const bad of [theirs, 'x', '00000000-0000-7000-8000-000000000000']) {
    expect(await create({ jobs: [mine, bad] })).toBe('NOT_FOUND');
  }
  expect(await create({})).toEqual(['jobs: one_of']);
  expect(await create({ jobs: [mine], tag: 'a' })).toEqual(['jobs: one_of']);
  expect(await create({ jobs: [] })).toEqual(['jobs: too_small']);
  expect(await create({ jobs: Array(101).fill(mine) })).toEqual(['jobs: too_big']);
  expect(await create({ tag: '' })).toEqual(['tag: too_small']);
  expect(await create({ tag: 'a', seconds: 59 })).toEqual(['seconds: out_of_range']);
  expect(await create({ tag: 'a', seconds: 86_401 })).toEqual(['seconds: out_of_range']);
});

it('where nobody is told apart there are no tokens, and none gives more than its maker has', async () => {
  const anonymous = callerNamed('anonymous');
  expect(await watchJobs().createToken(anonymous, { ...request, tag: 'a' })).toBeNull();
  expect(watchJobs().tokenFor(anonymous, await make([], anonymous))).toBeNull();
  const writer = callerNamed('writer', { keyId: 'key', scopes: new Set(['job:write', 'workflow:*']) });
  expect(watchJobs().tokenFor(writer, await make([], writer))).toBeNull();
  const mine = await make();
  expect(await product.jobs.get(holder(watchJobs().tokenFor(owner, mine) ?? ''), mine)).toMatchObject({ id: mine });
});

it('a job is run again only with the scope of its workflow', async () => {
  const id = await make();
  await product.jobs.cancel(owner, id);
  const retry = (scopes: Identity['scopes']) =>
    product.jobs.retry({ identity: { ...owner, scopes }, requestId: 'r', id, idempotencyKey: 'again' });
  const message = 'this needs the scope workflow:textToImage';
  await expect(retry(new Set(['job:write', 'workflow:custom', 'workflow:upscale']))).rejects.toMatchObject({
    message,
    details: { code: 'FORBIDDEN' },
  });
  expect(await retry(new Set(['job:write', 'workflow:*']))).toMatchObject({ replayed: false });
});
