import { createHash } from 'node:crypto';
import { ApolloClient, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, cacheExchange, mapExchange } from '@urql/core';
import type { DocumentNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { comfyLink } from '../../../client/src/apollo.ts';
import { createComfy } from '../../../client/src/comfy.ts';
import { comfyExchange } from '../../../client/src/urql.ts';
import { JobDocument, WatchJobDocument, WorkflowsDocument } from '../../../examples/generated/graphql.ts';
import persisted from '../../../examples/generated/persisted-documents.json' with { type: 'json' };
import { readListedDocuments } from '../../../src/graphql/engine/listed-documents.ts';
import { type TestServices, testEvent, testJob, testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';

const names = '{ workflows { name } }';
const hash = createHash('sha256').update(names).digest('hex');
const listed = readListedDocuments([
  { name: 'a.json', text: JSON.stringify({ [`sha256:${hash}`]: names, 'names.v1': names }) },
  { name: 'b.json', text: JSON.stringify(persisted) },
]);
const byHash = (sha256Hash: string) => ({ extensions: { persistedQuery: { version: 1 as const, sha256Hash } } });
const found = { data: { workflows: expect.arrayContaining([{ name: 'textToImage' }]) } };
const codeIn = async (answer: Response) => {
  const { errors = [] } = await answer.json();
  return [answer.status, errors[0]?.extensions.code];
};

/** As GraphQL Code Generator embeds it. */
function hashOf(document: DocumentNode): string {
  const { __meta__: meta } = document as DocumentNode & { __meta__?: { hash: string } };
  return meta?.hash ?? '';
}

async function socketOf(url: string) {
  const socket = createClient({ url, webSocketImpl: WebSocket, lazy: true });
  onTestFinished(() => void socket.dispose());
  return socket;
}

test('a listed document is executed by its hash or name alone, in every form, by POST, GET and SSE', async () => {
  const { graphql, post } = await startTestServer({ persisted: { listed, only: true } });
  const forms = [byHash(hash), { documentId: `sha256:${hash}` }, { documentId: hash }, { documentId: 'names.v1' }];
  for (const form of forms) {
    expect(await (await post(form)).json()).toEqual(found);
    const search = new URLSearchParams(
      Object.entries(form).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
    );
    const got = await fetch(`${graphql}?${search}`);
    expect(await got.json()).toEqual(found);
    const streamed = await fetch(`${graphql}?${search}`, { headers: { accept: 'text/event-stream' } });
    expect(await streamed.text()).toContain('"name":"textToImage"');
  }
});

test('variables and the name of the operation go with a hash by GET', async () => {
  const { graphql } = await startTestServer({
    persisted: { listed, only: true },
    services: await withJob(testJob({ status: 'SUCCEEDED' })),
  });
  const search = new URLSearchParams({
    documentId: hashOf(JobDocument),
    operationName: 'Job',
    variables: JSON.stringify({ id: testJob().id }),
  });
  const { data } = await (await fetch(`${graphql}?${search}`)).json();
  expect(data.job).toMatchObject({ __typename: 'Job', id: testJob().id, status: 'SUCCEEDED' });
});

test('over a socket a listed document is executed by its hash, whatever stands in the place of its text', async () => {
  const { socketUrl } = await startTestServer({ persisted: { listed, only: true } });
  const socket = await socketOf(socketUrl);
  for (const form of [byHash(hash), { documentId: `sha256:${hash}` }]) {
    const { value } = await socket.iterate({ query: '', ...form }).next();
    expect(value).toEqual(found);
  }
});

test('A20 where only listed documents are executed, others are refused over every transport', async () => {
  const { graphql, post, socketUrl } = await startTestServer({ persisted: { listed, only: true } });
  const query = '{ workflows { title } }';
  expect(await codeIn(await post({ query }))).toEqual([200, 'PERSISTED_QUERY_ONLY']);
  expect(await codeIn(await post({ query, ...byHash('0'.repeat(64)) }))).toEqual([200, 'PERSISTED_QUERY_ONLY']);
  const search = new URLSearchParams({ query });
  expect(await codeIn(await fetch(`${graphql}?${search}`))).toEqual([200, 'PERSISTED_QUERY_ONLY']);
  const streamed = await fetch(`${graphql}?${search}`, { headers: { accept: 'text/event-stream' } });
  expect(await streamed.text()).toContain('PERSISTED_QUERY_ONLY');
  const socket = await socketOf(socketUrl);
  await expect(socket.iterate({ query }).next()).rejects.toMatchObject([
    { extensions: { code: 'PERSISTED_QUERY_ONLY' } },
  ]);
  // The text of a listed one is no other document.
  expect(await (await post({ query: names })).json()).toEqual(found);
});

test('a hash that is not listed is refused in the words that clients know, and nothing is stored for it', async () => {
  const { post, socketUrl } = await startTestServer({ persisted: { listed, only: false } });
  const query = '{ workflows { title } }';
  const unknown = byHash(createHash('sha256').update(query).digest('hex'));
  const refused = { message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } };
  const answer = await post(unknown);
  expect([answer.status, await answer.json()]).toEqual([200, { errors: [refused] }]);
  expect((await (await post({ query, ...unknown })).json()).data.workflows.length).toBeGreaterThan(0);
  expect(await (await post(unknown)).json()).toEqual({ errors: [refused] });
  expect(await codeIn(await post({ documentId: 'names.v2' }))).toEqual([400, 'PERSISTED_QUERY_NOT_FOUND']);
  const socket = await socketOf(socketUrl);
  await expect(socket.iterate({ query: '', ...unknown }).next()).rejects.toMatchObject([refused]);
});

async function withJob(job: ReturnType<typeof testJob>): Promise<TestServices> {
  const services = await testServices({ jobs: { get: async () => job, queuePosition: async () => null } });
  services.feed.open(job.id);
  return services;
}

/** What the page about persisted documents says for Apollo. */
function apolloClient(url: string) {
  const bodies: unknown[] = [];
  const comfy = createComfy({
    url,
    fetch: (input, init) => {
      bodies.push(init?.method === 'GET' ? new URL(String(input)).searchParams.get('query') : init?.body);
      return fetch(input, init);
    },
  });
  const persistedLink = new PersistedQueryLink({
    generateHash: (document) => hashOf(document),
    useGETForHashedQueries: true,
  });
  const client = new ApolloClient({ link: persistedLink.concat(comfyLink(comfy)), cache: new InMemoryCache() });
  onTestFinished(() => {
    client.stop();
    return comfy.close();
  });
  return { client, bodies };
}

test("Apollo's persisted link queries and watches where only listed documents are executed", async () => {
  const job = testJob();
  const services = await withJob(job);
  const { graphql } = await startTestServer({ persisted: { listed, only: true }, services });
  const { client, bodies } = apolloClient(graphql);
  const { data } = await client.query({ query: JobDocument, variables: { id: job.id } });
  expect(data?.job).toMatchObject({ __typename: 'Job', id: job.id });
  // By GET and the hash alone, in one request.
  expect(bodies).toEqual([null]);
  const events = client.subscribe({ query: WatchJobDocument, variables: { id: job.id } });
  const first = new Promise((resolve, reject) => events.subscribe({ next: resolve, error: reject }));
  await vi.waitFor(() => expect(services.feed.requests()).toBe(1));
  services.feed.say(job.id, testEvent(2));
  expect(await first).toMatchObject({ data: { jobProgress: { seq: 2, job: { __typename: 'Job' } } } });
});

test('urql queries and watches by hashes where only listed documents are executed', async () => {
  const job = testJob();
  const services = await withJob(job);
  const { graphql } = await startTestServer({ persisted: { listed, only: true }, services });
  const methods: unknown[] = [];
  const comfy = createComfy({
    url: graphql,
    fetch(input, init) {
      methods.push(init?.method);
      return fetch(input, init);
    },
  });
  onTestFinished(() => comfy.close());
  const client = new Client({
    url: comfy.url,
    exchanges: [
      mapExchange({
        onOperation: (operation) => ({
          ...operation,
          extensions: { ...operation.extensions, ...byHash(hashOf(operation.query)).extensions },
        }),
      }),
      cacheExchange,
      comfyExchange(comfy),
    ],
  });
  const { data, error } = await client.query(WorkflowsDocument, {}).toPromise();
  expect(error).toBeUndefined();
  expect(data?.workflows?.map(({ name }) => name)).toContain('textToImage');
  // Not by GET, as urql would by itself: variables do not belong into the logs of proxies.
  expect(methods).toEqual(['POST']);
  const first = new Promise((resolve) => {
    const { unsubscribe } = client.subscription(WatchJobDocument, { id: job.id }).subscribe(resolve);
    onTestFinished(unsubscribe);
  });
  await vi.waitFor(() => expect(services.feed.requests()).toBe(1));
  services.feed.say(job.id, testEvent(2));
  expect(await first).toMatchObject({ data: { jobProgress: { seq: 2, job: { __typename: 'Job' } } } });
});
