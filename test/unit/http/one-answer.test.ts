import { expect, test } from 'vitest';
import { JSON_TYPES } from '../../../src/http/graphql/acceptable-types.ts';
import { noteLimits } from '../../../src/http/graphql/http-status.ts';
import { createOneAnswer } from '../../../src/http/graphql/one-answer.ts';
import { testGraph, testServices } from '../../support/graph-services.ts';

/** Whether a request is answered without Yoga. */
async function start() {
  const { engine, contextValue } = await testGraph(await testServices());
  const answerOnce = createOneAnswer(engine);
  return (params: { [name: string]: unknown }, types: readonly string[] = JSON_TYPES) =>
    answerOnce(params, types, { ...contextValue, ...noteLimits() });
}

test('a query, a mutation and a document that is refused take the short way', async () => {
  const ask = await start();
  for (const query of ['{ __typename }', 'mutation { __typename }', '{', '{ nothing }', '']) {
    expect(await ask({ query, operationName: null })).toMatchObject({ status: 200, text: expect.stringMatching(/^{/) });
  }
  const json = ['text/event-stream; charset=utf-8', 'application/graphql-response+json; charset=utf-8'];
  const { status, headers } = (await ask({ query: '{' }, json)) ?? {};
  expect([status, headers?.['Content-Type']]).toEqual([400, json[1]]);
});

test('what has no one answer in JSON, or is no operation, is left to Yoga', async () => {
  const ask = await start();
  const query = '{ __typename }';
  for (const params of [
    { query: 'subscription { jobProgress(id: "x") { seq } }' },
    { query: 'query A { __typename }', operationName: 'B' },
    { query: 'fragment F on Job { id }' },
    { query: 7 },
    { query, variables: [] },
    { query, extensions: 'x' },
    { query, more: 1 },
    {},
  ]) {
    expect([params, await ask(params)]).toEqual([params, null]);
  }
  expect(await ask({ query }, ['text/event-stream; charset=utf-8', 'multipart/mixed; charset=utf-8'])).toBeNull();
});
