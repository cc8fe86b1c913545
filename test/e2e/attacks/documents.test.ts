import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTarget, pictureInput, type Target } from '../../support/attack.ts';
import { disposals } from '../../support/disposals.ts';

const many = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i)).join(' ');
const strict = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('documents that attack', { timeout: 60_000 }, () => {
  const suite = disposals();
  let target: Target;

  beforeAll(async () => {
    target = await openTarget(suite);
  }, 120_000);
  afterAll(() => target.expectUnharmed());

  it.each([
    ['A01 malformed JSON', '{"query":', 'BAD_REQUEST', /not JSON/],
    ['A01 bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'BAD_REQUEST', /not UTF-8/],
    ['A02 null', 'null', 'BAD_REQUEST', /JSON object/],
    ['A03 a batch', '[{"query":"{__typename}"}]', 'BAD_REQUEST', /Batching/],
    [
      'A05 deep variables',
      `{"query":"{__typename}","variables":{"a":${nested(200_000)}}}`,
      'LIMIT_EXCEEDED',
      /100 levels/,
    ],
    ['A06 a token bomb', `{"query":"{${'a '.repeat(400_000)}}"}`, 'LIMIT_EXCEEDED', /10000 tokens/],
    ['A07 a depth bomb', `{"query":"${'{a'.repeat(2_000)}${'}'.repeat(2_000)}"}`, 'LIMIT_EXCEEDED', /levels|deeply/],
    ['A08 circular fragments', '{"query":"{...A} fragment A on Query{...A}"}', 'GRAPHQL_VALIDATION_FAILED', /itself/],
    [
      'A17 two operations, no name',
      '{"query":"query A{__typename} query B{__typename}"}',
      'OPERATION_RESOLUTION_FAILURE',
      /./,
    ],
    [
      '__proto__ beside the query',
      '{"query":"{__typename}","__proto__":{"a":1}}',
      'BAD_REQUEST',
      /Unexpected parameter/,
    ],
  ])('%s is 400 at once', async (_name, body, code, message) => {
    const began = performance.now();
    const struck = await target.post(body, { headers: strict });
    expect(struck).toMatchObject({ status: 400 });
    expect(struck.text).toContain(code);
    expect(struck.text).toMatch(message);
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  it('A04 what is too large is 413, announced, chunked or never sent', async () => {
    expect(await target.post('x'.repeat(2_000_000))).toMatchObject({ status: 413, code: 'LIMIT_EXCEEDED' });
    const chunks = new ReadableStream({
      start(stream) {
        for (let i = 0; i < 40; i++) stream.enqueue(Buffer.alloc(65_536, 32));
        stream.close();
      },
    });
    expect(await target.post(chunks)).toMatchObject({ status: 413 });
    const head = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    expect(await target.wire(`${head}Content-Length: 99999999999\r\n\r\n{`)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('A07 fragments that double thirty times are counted, not written out', async () => {
    const fragments = many(30, (i) => `fragment F${i} on Query { ...F${i + 1} a${i}: __typename ...F${i + 1} }`);
    const struck = await target.ask(`{ ...F0 } ${fragments} fragment F30 on Query { __typename }`);
    expect(struck.code).toBe('LIMIT_EXCEEDED');
  });

  it('A09 two hundred aliased generate are refused before any makes a job', async () => {
    const key = randomUUID();
    const workflow = 'workflow: {textToImage: {prompt: "x"}}';
    const fields = many(200, (i) => `g${i}: generate(input: {idempotencyKey: "${key}${i}", ${workflow}}) { replayed }`);
    expect((await target.ask(`mutation { ${fields} }`)).code).toBe('LIMIT_EXCEEDED');
    expect(await target.product.admin.keys(`${target.product.keys.tag}:job:*`)).toEqual([]);
  });

  it('A10 a heap of directives', async () => {
    expect((await target.ask(`{ __typename ${'@a'.repeat(4_000)} }`)).code).toBe('LIMIT_EXCEEDED');
  });

  it('A13 a mutation by GET is 405, also beside a query', async () => {
    const get = (search: Record<string, string>) =>
      target.post('', { method: 'GET', headers: {}, path: `/graphql?${new URLSearchParams(search)}` });
    expect(await get({ query: 'mutation { deleteJob(id: "x") }' })).toMatchObject({ status: 405 });
    const both = 'query A { __typename } mutation B { deleteJob(id: "x") }';
    expect(await get({ query: both, operationName: 'B' })).toMatchObject({ status: 405 });
    expect(await get({ query: both, operationName: 'A' })).toMatchObject({ status: 200, code: undefined });
  });

  it.each([
    ['A14 a form', 'application/x-www-form-urlencoded'],
    ['A14 text/plain', 'text/plain'],
    ['A14 text/plain that speaks of JSON', 'text/plain; application/json'],
    ['A15 multipart', 'multipart/form-data; boundary=x'],
    ['A16 another media type', 'application/graphql'],
    ['A16 another charset', 'application/json; charset=utf-16'],
  ])('%s is 415 and says what is expected', async (_name, type) => {
    const struck = await target.post('{"query":"{__typename}"}', { headers: { 'content-type': type } });
    expect(struck).toMatchObject({ status: 415, message: expect.stringMatching(/^Expected /) });
  });

  it('A16 a mutation whose answer nobody would take is 406 and has not run', async () => {
    const variables = pictureInput();
    const body = JSON.stringify({
      query: 'mutation G($input: GenerateInput!) { generate(input: $input) { replayed } }',
      variables,
    });
    expect(await target.post(body, { headers: { ...strict, accept: 'image/png' } })).toMatchObject({ status: 406 });
    expect((await target.post(body)).data).toEqual({ generate: { replayed: false } });
  });

  it('a page of many texts of each job is refused at once with what it costs, and a smaller one is taken', async () => {
    const texts = `... on TextArtifact { ${many(6, (i) => `t${i}: text`)} }`;
    const query = `query P($first: Int) { jobs(first: $first) { nodes { artifacts { ${texts} } } } }`;
    const struck = await target.ask(query, { first: 100 });
    expect(struck).toMatchObject({ code: 'LIMIT_EXCEEDED', data: undefined });
    expect(struck.message).toMatch(/^The document costs 144501; at most 100000 are allowed: ask for fewer jobs/);
    expect(struck.text).toContain('"cost":144501,"limit":100000');
    expect((await target.ask(query, { first: 60 })).data).toMatchObject({ jobs: { nodes: expect.any(Array) } });
  });

  it('unused fragments full of fields are validated in bounded time', async () => {
    const began = performance.now();
    await target.ask(`{ __typename } fragment F on Query { ${'job(id: 1) { id } '.repeat(900)} }`);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
