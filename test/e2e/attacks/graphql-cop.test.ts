import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyHeaders } from '../../support/api-keys.ts';
import { disposals } from '../../support/disposals.ts';
import { type Gateway, openProduct } from '../../support/product.ts';

const many = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i)).join(' ');
const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };
/** What tells of an exception, of tracing or of the schema. */
const TELLS = /exception|stacktrace|"tracing"|Did you mean|\.ts:|at async/i;

/** What the auditor graphql-cop looks for, in its order, at a gateway as production has it. */
describe('the checks of graphql-cop with AUTH=keys', { timeout: 60_000 }, () => {
  const suite = disposals();
  let gateway: Gateway;
  let key: Record<string, string>;

  beforeAll(async () => {
    const product = await openProduct(suite);
    gateway = await product.gateway({ AUTH: 'keys' });
    key = await keyHeaders(product, 'auditor');
  }, 120_000);
  afterAll(() => expect(gateway.process.output()).not.toMatch(/"level":"(error|fatal)"/));

  async function send(init: RequestInit, path = '/graphql') {
    const response = await fetch(`${gateway.url}${path}`, init);
    const text = await response.text();
    expect(text).not.toMatch(TELLS);
    return { status: response.status, text };
  }

  const ask = (query: string, headers: Record<string, string> = key) =>
    send({ method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify({ query }) });
  const get = (query: string, headers: Record<string, string> = key) =>
    send({ headers }, `/graphql?${new URLSearchParams({ query })}`);

  it('field suggestions: a typo names nothing of the schema', async () => {
    for (const query of ['{ __schema { directive } }', '{ jbos { nodes { id } } }', '{ jobs { ndoes { id } } }']) {
      expect((await ask(query)).text).toContain('GRAPHQL_VALIDATION_FAILED');
    }
  });

  it('introspection: neither the schema nor a type of it is told', async () => {
    for (const query of ['{ __schema { types { name fields { name } } } }', '{ __type(name: "Job") { name } }']) {
      const { text } = await ask(query);
      expect(text).toContain('GRAPHQL_VALIDATION_FAILED');
      expect(text).not.toContain('"data"');
    }
  });

  it.each(['/', '/graphql', '/graphiql', '/playground'])('GraphQL IDE: there is no page at %s', async (path) => {
    for (const headers of [key, {}]) {
      const { text } = await send({ headers: { ...headers, accept: 'text/html' } }, path);
      expect(text).not.toMatch(/graphi?ql[ -]?(playground|ide)|graphiql/i);
      // The studio's page, which has forms and takes no document.
      if (path !== '/') expect(text).not.toMatch(/<script/i);
    }
  });

  it('queries by GET: another site has no credentials to bring, and none is taken from the address', async () => {
    expect((await get('query cop { __typename }', {})).status).toBe(401);
    const token = key.authorization?.replace('Bearer ', '') ?? expect.fail();
    for (const name of ['access_token', 'token', 'key']) {
      const search = new URLSearchParams({ query: '{ __typename }', [name]: token });
      expect((await send({}, `/graphql?${search}`)).status).not.toBe(200);
    }
    expect((await get('{ __typename }', { ...key, origin: 'https://other.example' })).status).toBe(403);
    expect(await get('{ __typename }')).toMatchObject({ status: 200, text: expect.stringContaining('"Query"') });
  });

  it('mutations by GET are refused, with a key too', async () => {
    expect((await get('mutation cop { __typename }')).status).toBe(405);
    expect((await get('mutation cop { __typename }', {})).text).not.toContain('"Mutation"');
  });

  it.each([
    ['alias overloading', `query cop { ${many(101, (i) => `alias${i}: __typename`)} }`],
    ['field duplication', `query cop { ${many(500, () => '__typename')} }`],
    ['directive overloading', `query cop { __typename ${'@aa'.repeat(10)} }`],
  ])('%s is refused as a whole, with one error', async (_name, query) => {
    const { text } = await ask(query);
    expect(JSON.parse(text)).toEqual({
      errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: 'LIMIT_EXCEEDED' }) })],
    });
  });

  it('batches in an array are refused', async () => {
    const body = JSON.stringify(Array.from({ length: 10 }, () => ({ query: 'query cop { __typename }' })));
    const { status, text } = await send({ method: 'POST', headers: { ...json, ...key }, body });
    expect(status).toBe(400);
    expect(text).toMatch(/Batching/);
  });

  it('trace mode: an answer has nothing beside its data', async () => {
    expect(JSON.parse((await ask('query cop { __typename }')).text)).toEqual({ data: { __typename: 'Query' } });
  });

  it('a circular query by introspection is refused', async () => {
    const circle = `${'fields { type { '.repeat(4)} name ${'} }'.repeat(4)}`;
    const { text } = await ask(`query cop { __schema { types { ${circle} } } }`);
    expect(text).toMatch(/LIMIT_EXCEEDED|GRAPHQL_VALIDATION_FAILED/);
    expect(text).not.toContain('"data"');
  });

  it.each([
    ['a form', form, new URLSearchParams({ query: 'query cop { __typename }' }).toString()],
    ['plain text', { 'content-type': 'text/plain' }, '{"query":"query cop { __typename }"}'],
  ])('POST of %s, which pages of other sites may send, is refused', async (_name, headers, body) => {
    expect((await send({ method: 'POST', headers: { ...headers, ...key }, body })).status).toBe(415);
  });

  it('errors: what is no document is told in a sentence, without an exception', async () => {
    const { errors } = JSON.parse((await ask('qwerty cop { abc }')).text);
    expect(errors).toEqual([
      {
        message: expect.stringMatching(/^Syntax Error: /),
        locations: [{ line: 1, column: 1 }],
        extensions: { code: 'GRAPHQL_PARSE_FAILED' },
      },
    ]);
  });
});
