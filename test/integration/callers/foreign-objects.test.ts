import { GraphQLError } from 'graphql';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Identity } from '../../../src/callers/identity.ts';
import { createWatchTokens } from '../../../src/callers/watch-token.ts';
import type { JobStatus } from '../../../src/core/job.ts';
import { createBudgets } from '../../../src/graphql/engine/budgets.ts';
import { createEngine, type Engine } from '../../../src/graphql/engine/engine.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import { createFileCheck } from '../../../src/jobs/check-files.ts';
import { createWatchJobs } from '../../../src/jobs/watch-jobs.ts';
import { noAudit } from '../../../src/observability/audit.ts';
import { createWorkflowAdder } from '../../../src/operator/add-workflow.ts';
import { createUploads } from '../../../src/uploads/create-uploads.ts';
import { createRedisUploads } from '../../../src/uploads/redis/redis-uploads.ts';
import { keepStockNodeDefinitions } from '../../../src/workflows/stock-node-definitions.ts';
import { silent } from '../../support/gateway-store.ts';
import { testServices } from '../../support/graph-services.ts';
import { callerNamed } from '../../support/identities.ts';
import { namingPlaces } from '../../support/named-objects.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, picture, type UseCases } from '../../support/use-cases.ts';

type Kind = 'job' | 'upload' | 'artifact' | 'cursor' | 'tag' | 'key';
type Objects = Record<Kind, string>;

const generate = (fields: string, input = 'textToImage: { prompt: "x" }') =>
  `mutation ($v: String!${fields.includes('$key') ? ', $key: String!' : ''}) {
    generate(input: { ${fields} workflow: { ${input} } })
    { replayed job { status tags retryOf } } }`;
const withFile = (source: string) => `mutation ($v: ID!, $key: String!) { generate(input: { idempotencyKey: $key
    workflow: { imageToImage: { prompt: "x", image: { ${source}: $v } } } }) { replayed job { status } } }`;
const page = '{ nodes { id status } edges { cursor } pageInfo { hasNextPage endCursor } }';
const job = 'id status workflow parameters tags seq artifacts { id url } error { code }';

/** Every place where a caller may name what is another's, with an operation that does. */
const places: { [place: string]: { kind: Kind; operation: string } } = {
  'Query.job(id)': { kind: 'job', operation: `query ($v: ID!) { job(id: $v) { ${job} } }` },
  'Query.jobs(after)': { kind: 'cursor', operation: `query ($v: String!) { jobs(after: $v) ${page} }` },
  'JobFilter.tag': { kind: 'tag', operation: `query ($v: String!) { jobs(filter: { tag: $v }) ${page} }` },
  'Mutation.cancelJob(id)': { kind: 'job', operation: `mutation ($v: ID!) { cancelJob(id: $v) { ${job} } }` },
  'Mutation.deleteJob(id)': { kind: 'job', operation: 'mutation ($v: ID!) { deleteJob(id: $v) }' },
  'Mutation.retryJob(id)': {
    kind: 'job',
    operation: 'mutation ($v: ID!, $key: String!) { retryJob(id: $v, idempotencyKey: $key) { job { status } } }',
  },
  'Mutation.retryJob(idempotencyKey)': {
    kind: 'key',
    operation: `mutation ($v: String!, $other: ID!) { retryJob(id: $other, idempotencyKey: $v) { job { status } } }`,
  },
  'GenerateInput.idempotencyKey': { kind: 'key', operation: generate('idempotencyKey: $v') },
  'GenerateInput.tags': { kind: 'tag', operation: generate('idempotencyKey: $key, tags: [$v]') },
  'FileInput.upload': { kind: 'upload', operation: withFile('upload') },
  'FileInput.artifact': { kind: 'artifact', operation: withFile('artifact') },
  'WorkflowSource.upload': {
    kind: 'upload',
    operation: 'mutation ($v: ID!) { addWorkflow(input: { source: { upload: $v }, name: "own" }) { notes } }',
  },
  'Mutation.createWatchToken(jobs)': {
    kind: 'job',
    operation: 'mutation ($v: ID!, $own: ID!) { createWatchToken(jobs: [$own, $v]) { __typename } }',
  },
  'Mutation.createWatchToken(tag)': {
    kind: 'tag',
    operation: 'mutation ($v: String!) { createWatchToken(tag: $v) { __typename } }',
  },
  'Subscription.jobProgress(id)': {
    kind: 'job',
    operation: `subscription ($v: ID!) { jobProgress(id: $v) { type job { ${job} } } }`,
  },
};
/** Texts and ids that name nothing of a caller. */
const plain = ['CreateUploadInput.contentType', 'CreateUploadInput.filename'];
plain.push('GenerateInput.comfyOrgApiKey', 'JobFilter.workflow', 'Query.workflow(name)', 'AddWorkflowInput.name');
plain.push('Mutation.drainBackend(name)', 'Mutation.resumeBackend(name)');

const tokens = createWatchTokens('a secret of this test and of no other', Date.now);
let server: TestRedis;
let product: UseCases;
let engine: Engine;
let services: Awaited<ReturnType<typeof testServices>>;
const owner = callerNamed('owner', { keyId: 'key' });
const stranger = callerNamed('stranger', { keyId: 'other' });

const watching = (watched: Parameters<typeof tokens.make>[1]) =>
  tokens.read(tokens.make(owner, watched, 900).token) ?? expect.fail();

beforeAll(async () => {
  server = await startTestRedis();
  product = await openUseCases(server.url, { checks: [(...check) => checkFiles(...check)] });
  const uploads = createRedisUploads(product.redis, product.keys);
  const checkFiles = createFileCheck({
    uploads,
    artifacts: { head: async () => ({ sizeBytes: 3, contentType: 'image/png', modifiedAt: new Date(0) }) },
    store: product.gateway,
    maxBytes: 1_000,
    inputOrigins: [],
    retentionMs: 60_000,
  });
  const { jobs, feed, changes } = product;
  const address = { url: 'https://files.test/', headers: {}, expiresAt: 0 };
  services = {
    ...(await testServices()),
    ...{ jobs, changes, watchJobs: createWatchJobs(tokens, jobs) },
    workflowAdder: createWorkflowAdder({
      dir: '/nowhere',
      maxMegapixels: 4,
      untilOffered: expect.fail,
      nodeDefinitions: { tryRead: async () => null },
      stock: keepStockNodeDefinitions(),
      uploads,
      artifacts: { read: async () => null },
      audit: noAudit,
      onRedisDown: () => undefined,
    }),
    feed: Object.assign(feed, { emit: expect.fail }) as never,
    uploads: createUploads({
      store: uploads,
      artifacts: { uploadUrl: async () => address },
      maxBytes: 1_000,
      newId: () => v7(),
      onRedisDown: () => undefined,
    }),
  };
  engine = createEngine({ schema: createSchema(product.catalogue), log: silent });
  // Redis knows all scripts from now on.
  const mine = await make(owner, 'SUCCEEDED');
  for (const { kind, operation } of Object.values(places)) {
    await answer(owner, operation, mine[kind], { own: mine.job, other: v7() });
    await answer(owner, operation, absent(mine)[kind], { own: mine.job, other: v7() });
  }
});
afterAll(async () => {
  await product.close();
  await server.close();
});

async function ask(identity: Identity, text: string, variables: { [name: string]: string | undefined } = {}) {
  const document = engine.parse(text);
  const faults = engine.validate(document);
  if (faults.length) throw new GraphQLError(String(faults[0]?.message));
  const left = new AbortController();
  const budget = createBudgets().open('a');
  const contextValue = { requestId: 'r', identity, client: identity.caller, budget, signal: left.signal, services };
  const operation = { document, variableValues: variables, contextValue };
  if (!text.startsWith('subscription')) return JSON.stringify(await engine.execute(operation));
  const results = await engine.subscribe(operation);
  const [first] = Symbol.asyncIterator in results ? [(await results.next()).value] : [results];
  left.abort();
  return JSON.stringify(first);
}

/** What the owner has: a job in this state, with its tag, its key and a cursor behind it; a result, and an upload. */
async function make(identity: Identity, status: JobStatus): Promise<Objects> {
  const [tag, key] = [`t${v7()}`, `k${v7()}`];
  const made = await product.generate({ identity, tags: [tag], idempotencyKey: key });
  const { id, createdAt } = made.job;
  const artifact = `${id}:0`;
  if (status === 'SUCCEEDED' || status === 'RUNNING') {
    const claimed = await product.worker.claim(id);
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    const { lease, progress } = claimed.job;
    const artifacts = [{ ...picture, id: artifact }];
    if (status === 'RUNNING') await product.worker.move(id, lease, { move: 'output', artifacts });
    else await product.worker.move(id, lease, { move: 'succeed', artifacts, progress, timings: [] });
  }
  const file = { filename: 'a.png', contentType: 'image/png', sizeBytes: 3 };
  const upload = await services.uploads.create({ identity, ...file });
  const cursor = Buffer.from(`${createdAt}:${id}`).toString('base64url');
  return { job: id, upload: upload.id, artifact, cursor, tag, key };
}

/** Of the same form, and nobody's; the cursor at the same time. */
function absent({ cursor }: Objects): Objects {
  const id = v7();
  const at = Buffer.from(cursor, 'base64url').toString().split(':')[0];
  const place = Buffer.from(`${at}:${id}`).toString('base64url');
  return { job: id, upload: v7(), artifact: `${id}:0`, cursor: place, tag: `t${v7()}`, key: `k${v7()}` };
}

/** What timers send, whatever is asked: how much memory Redis has, and whether watched jobs have changed. */
const ON_TIME = new Set(['info', 'hmget']);

/** The answer to one operation, without the value itself, and the commands that Redis was sent for it. */
async function answer(identity: Identity, operation: string, value: string, more: { own: string; other: string }) {
  const sent = vi.spyOn(product.redis, 'sendCommand');
  const commandsSoFar = () => sent.mock.calls.map(([{ name }]) => name).filter((name) => !ON_TIME.has(name));
  const { add } = product.queue;
  // A new job adds a ticket where the queue has too few, whosever they are.
  let ofTicket: { from: number; to: number } | null = null;
  const added = vi.spyOn(product.queue, 'add').mockImplementation(async (ticket) => {
    const from = commandsSoFar().length;
    await add(ticket);
    ofTicket = { from, to: commandsSoFar().length };
  });
  const text = await ask(identity, operation, { v: value, key: `k${v7()}`, ...more });
  const { from, to } = ofTicket ?? { from: 0, to: 0 };
  const commands = commandsSoFar().filter((_, i) => i < from || i >= to);
  sent.mockRestore();
  added.mockRestore();
  // No two cursors are sealed alike.
  return {
    text: text.replaceAll(value, 'IT').replace(/"endCursor":"[^"]{81,}"/, '"endCursor":"sealed"'),
    commands,
  };
}

it('every place where an operation names something is tried below, or is known to name nothing of a caller', () => {
  expect(namingPlaces(engine.schema)).toEqual([...Object.keys(places), ...plain].sort());
});

describe.each(Object.entries(places))('%s', (_place, { kind, operation }) => {
  it.each(['QUEUED', 'RUNNING', 'SUCCEEDED'] as const)(
    "A43 and A63: of another's %s job is answered as of one that there is not, by the same commands, changing nothing",
    async (status) => {
      const theirs = await make(owner, status);
      const before = await product.gateway.get(theirs.job);
      const [own, other] = [(await make(owner, 'SUCCEEDED')).job, v7()];
      const mine = (await make(stranger, 'SUCCEEDED')).job;
      const callers: [Identity, string][] = [
        [stranger, mine],
        [watching({ jobs: new Set([own]) }), own],
        [watching({ tag: 'another' }), own],
        [callerNamed('stranger', { scopes: new Set() }), mine],
      ];
      for (const [identity, owned] of callers) {
        const foreign = await answer(identity, operation, theirs[kind], { own: owned, other });
        const none = await answer(identity, operation, absent(theirs)[kind], { own: owned, other });
        // A token for a tag waits for its page the longer the more jobs its caller has: all are looked through.
        if (identity.watch?.tag && operation.includes('jobs(')) expect(foreign.text).toBe(none.text);
        else expect(foreign).toEqual(none);
        if (identity.scopes.size === 0) expect(foreign.text).toContain('"code":"FORBIDDEN"');
      }
      expect(await product.gateway.get(theirs.job)).toEqual(before);
    },
  );
});

const NAMES_NOTHING = new Set([
  'GenerateInput.tags',
  'Mutation.createWatchToken(tag)',
  'Mutation.retryJob(idempotencyKey)',
]);

it.each(Object.entries(places).filter(([place]) => !NAMES_NOTHING.has(place)))(
  '%s of one’s own is answered otherwise, so that the comparison can fail',
  async (_place, { kind, operation }) => {
    const mine = await make(owner, 'SUCCEEDED');
    const more = { own: mine.job, other: v7() };
    const found = await answer(owner, operation, mine[kind], more);
    expect(found.text).not.toBe((await answer(owner, operation, absent(mine)[kind], more)).text);
  },
);

it('no root field but those that say nothing of a caller is answered without a scope', async () => {
  const open = ['Query.health', 'Query.limits', 'Query.viewer'];
  const nobody = callerNamed('owner', { scopes: new Set() });
  for (const root of [
    engine.schema.getQueryType(),
    engine.schema.getMutationType(),
    engine.schema.getSubscriptionType(),
  ]) {
    for (const { name, subscribe, resolve } of Object.values(root?.getFields() ?? {})) {
      const context = { identity: nobody, services, budget: createBudgets().open('a') };
      const args = { input: { workflow: { textToImage: {} } } };
      const begin = async () => (subscribe ?? resolve)?.({}, args, context as never, { path: {} } as never);
      const code = await begin().then(
        () => null,
        (error: { details?: { code: string } }) => error.details?.code ?? String(error),
      );
      const place = `${root?.name}.${name}`;
      if (open.includes(place)) expect(code, place).not.toBe('FORBIDDEN');
      else expect(code, place).toBe('FORBIDDEN');
    }
  }
});
