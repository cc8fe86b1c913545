import { createHash } from 'node:crypto';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { expect, test } from 'vitest';
import { startTestServer } from '../../support/http-server.ts';

const sha256 = async (text: string) => createHash('sha256').update(text).digest('hex');

test.each([false, true])(
  "Apollo's link sends the document where a hash alone is not known, by GET: %s",
  async (byGet) => {
    const { graphql } = await startTestServer();
    const asked: { url: string; method: string | undefined; body: unknown }[] = [];
    const link = new PersistedQueryLink({ sha256, useGETForHashedQueries: byGet }).concat(
      new HttpLink({
        uri: graphql,
        fetch: (url, init) => {
          asked.push({ url: String(url), method: init?.method, body: init?.body });
          return fetch(url, init);
        },
      }),
    );
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const ask = () => client.query({ query: gql`query Names { workflows { name } }`, fetchPolicy: 'network-only' });
    expect((await ask()).data).toMatchObject({ workflows: expect.arrayContaining([]) });
    expect(asked.map(({ method }) => method)).toEqual([byGet ? 'GET' : 'POST', 'POST']);
    // It knows from then on that hashes are of no use here.
    await ask();
    expect(asked).toHaveLength(3);
  },
);

test('a hash alone is refused in the form that clients know; beside a document it does not matter', async () => {
  const { graphql, post } = await startTestServer();
  const extensions = { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } };
  const expected = {
    errors: [{ message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }],
  };
  const search = new URLSearchParams({ operationName: 'Names', extensions: JSON.stringify(extensions) });
  for (const answer of [await post({ operationName: 'Names', extensions }), await fetch(`${graphql}?${search}`)]) {
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(expected);
  }
  const both = await post({ query: '{ __typename }', extensions });
  expect([both.status, await both.json()]).toEqual([200, { data: { __typename: 'Query' } }]);
});
