import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { openTarget, type Struck, subscribe, type Target } from '../../support/attack.ts';
import { disposals } from '../../support/disposals.ts';
import { onlySimulator } from '../../support/product.ts';

const watch = 'subscription W($id: ID!) { jobProgress(id: $id) { seq type } }';
/** As long as a document may have it. */
const LONG = 'x'.repeat(60_000);
/** As long as a body may have it. */
const LONGEST = 'x'.repeat(900_000);

describe('arguments that attack', { timeout: 60_000 }, () => {
  const suite = disposals();
  let target: Target;
  let jobId: string;

  beforeAll(async () => {
    target = await openTarget(suite);
    jobId = (await target.gateway.generate()).id;
    await target.gateway.watch(jobId).end();
  }, 120_000);
  afterAll(() => target.expectUnharmed());

  /** Bytes that Redis has been sent by all. */
  const received = async () =>
    Number(/total_net_input_bytes:(\d+)/.exec(await target.product.admin.info('stats'))?.[1]);

  it('B04 what is no id is absent, and none of it reaches Redis', async () => {
    const before = await received();
    const aliases = Array.from({ length: 30 }, (_, i) => `a${i}: job(id: $id) { id }`).join(' ');
    for (const id of [LONGEST, jobId.slice(1), `${jobId}\n`]) {
      const { data, code } = await target.ask(`query J($id: ID!) { ${aliases} }`, { id });
      expect(code).toBeUndefined();
      expect(new Set(Object.values(z.record(z.string(), z.unknown()).parse(data)))).toEqual(new Set([null]));
    }
    expect(
      (await target.ask('query J($id: ID!) { job(id: $id, waitSeconds: 60) { id } }', { id: LONGEST })).data,
    ).toEqual({
      job: null,
    });
    for (const call of [
      'cancelJob(id: $id) { id }',
      'deleteJob(id: $id)',
      'retryJob(id: $id, idempotencyKey: "k") { replayed }',
    ]) {
      expect(await target.ask(`mutation M($id: ID!) { ${call} }`, { id: LONGEST })).toMatchObject({
        code: 'NOT_FOUND',
      });
    }
    const { say, heard } = await target.dial();
    say(subscribe('1', watch, { id: LONG }));
    expect(JSON.stringify(await heard(({ id }) => id === '1'))).toContain('NOT_FOUND');
    expect(
      await target.ask('query J($after: String) { jobs(after: $after) { nodes { id } } }', { after: LONGEST }),
    ).toMatchObject({
      code: 'BAD_USER_INPUT',
    });
    // The worker and the sweeper talk to it meanwhile; before, these were 93 MB.
    expect((await received()) - before).toBeLessThan(500_000);
  });

  const key = () => randomUUID();
  const generate = (input: object) => ({
    input: { idempotencyKey: key(), workflow: { textToImage: { prompt: 'x' } }, ...input },
  });
  const G = 'mutation G($input: GenerateInput!) { generate(input: $input) { replayed } }';
  it.each<[string, () => Promise<Struck>]>([
    ['a name out of place', () => target.ask(`{ job(id: "1") { id } } ${LONG}`)],
    ['a string out of place', () => target.ask(`{ job(id: "1") { id } } "${LONG}"`)],
    ['an unknown field', () => target.ask(`{ ${LONG} }`)],
    ['an unknown argument', () => target.ask(`{ job(${LONG}: 1) { id } }`)],
    ['an unknown type', () => target.ask(`query Q($a: ${LONG}) { __typename }`)],
    ['an unknown variable', () => target.ask(`{ job(id: $${LONG}) { id } }`)],
    ['an unknown fragment', () => target.ask(`{ ...${LONG} }`)],
    ['an unknown directive', () => target.ask(`{ __typename @${LONG} }`)],
    ['an unknown enum value', () => target.ask(`{ jobs(filter: { status: [${LONG}] }) { nodes { id } } }`)],
    ['a literal of another type', () => target.ask(`{ jobs(first: "${LONG}") { nodes { id } } }`)],
    ['a list as a literal', () => target.ask(`{ jobs(first: [${'1 '.repeat(9_000)}]) { nodes { id } } }`)],
    ['an unknown operation', () => target.ask('{ __typename }', {}, { operationName: LONGEST })],
    ['an unknown parameter', () => target.ask('{ __typename }', {}, { [LONGEST]: 1 })],
    [
      'a variable of another type',
      () => target.ask('query Q($n: Int) { jobs(first: $n) { nodes { id } } }', { n: LONGEST }),
    ],
    [
      'an unknown enum value as a variable',
      () => target.ask('query Q($s: [JobStatus!]) { jobs(filter: { status: $s }) { nodes { id } } }', { s: [LONGEST] }),
    ],
    ['an unknown input field', () => target.ask(G, generate({ [LONGEST]: 1 }))],
    ['an unknown workflow', () => target.ask(G, { input: { idempotencyKey: 'k', workflow: { [LONGEST]: {} } } })],
    [
      'an unknown parameter of a workflow',
      () => target.ask(G, { input: { idempotencyKey: 'k', workflow: { textToImage: { prompt: 'x', [LONGEST]: 1 } } } }),
    ],
    ['a long key', () => target.ask(G, generate({ idempotencyKey: LONGEST }))],
    ['a long tag', () => target.ask(G, generate({ tags: [LONGEST] }))],
    ['very many tags', () => target.ask(G, generate({ tags: Array(200_000).fill('\n') }))],
    [
      'a key of a graph',
      () =>
        target.ask(G, {
          input: { idempotencyKey: 'k', workflow: { custom: { graph: { [LONGEST]: { a: 1 } } } } },
        }),
    ],
    [
      'a file name',
      () =>
        target.ask('mutation U($input: CreateUploadInput!) { createUpload(input: $input) { id } }', {
          input: { filename: LONGEST, contentType: LONGEST.slice(0, 50_000), size: 1 },
        }),
    ],
  ])('B04 %s is echoed with 200 characters at most', async (_name, call) => {
    const { status, code, message, text } = await call();
    expect([status < 500, code === undefined]).toEqual([true, false]);
    expect(message).not.toMatch(/x{201}/);
    // What is known to be expected may be said at length.
    expect(text).not.toMatch(/x{201}/);
    expect(text.length).toBeLessThan(30_000);
  });

  it('B04 variables that nest 100,000 deep end their own operation, over a socket and in an address', async () => {
    onlySimulator(target.product).faults.current.hold = true;
    const { id } = await target.gateway.generate();
    const { say, heard, socket } = await target.dial();
    say(subscribe('other', watch, { id }));
    await heard(({ type }) => type === 'next');
    const nested = '['.repeat(100_000) + ']'.repeat(100_000);
    for (const [name, query] of Object.entries({ deep: watch, query: '{ __typename }' })) {
      say(
        `{"id":"${name}","type":"subscribe","payload":{"query":"${query}","variables":{"id":"${id}","a":${nested}}}}`,
      );
      expect(await heard((message) => message.id === name)).toMatchObject({
        type: 'error',
        payload: [{ extensions: { code: 'BAD_USER_INPUT' } }],
      });
    }
    say(subscribe('later', '{ __typename }'));
    await heard((message) => message.id === 'later');
    expect(socket.readyState).toBe(socket.OPEN);
    const search = new URLSearchParams({
      query: '{ __typename }',
      variables: `{"a":${nested.slice(98_000, 102_000)}}`,
    });
    const got = await target.post('', { method: 'GET', headers: {}, path: `/graphql?${search}` });
    expect(got).toMatchObject({ status: 400, code: 'LIMIT_EXCEEDED' });
    onlySimulator(target.product).faults.reset();
    await target.gateway.watch(id).end();
  });

  it('B15 one artifact whose pictures are used up takes no page with it', async () => {
    const sizes = (from: number) =>
      Array.from({ length: 25 }, (_, i) => `w${from + i}: url(width: ${from + i})`).join(' ');
    const page = async (from: number) => {
      const struck = await target.ask(
        `{ jobs { nodes { id artifacts { url ... on ImageArtifact { ${sizes(from)} } } } } }`,
      );
      expect(struck.code).toBeUndefined();
      const artifact = z.record(z.string(), z.string());
      const { jobs } = z
        .object({ jobs: z.object({ nodes: z.array(z.object({ id: z.string(), artifacts: z.array(artifact) })) }) })
        .parse(struck.data);
      return jobs.nodes.find(({ id }) => id === jobId)?.artifacts[0] ?? {};
    };
    const { url: original, ...others } = await page(16);
    expect((await fetch(original ?? '')).status).toBe(200);
    for (const address of Object.values(others)) expect((await fetch(address)).status).toBe(200);
    const { w60 = '' } = await page(40);
    const picture = await fetch(w60);
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/png']);
    // Nobody else makes such an address.
    expect((await fetch(w60.replace('-w60.', '-w61.'))).status).toBe(403);
  });
});
