import { createHash } from 'node:crypto';
import { getIntrospectionQuery } from 'graphql';

/** A request of GraphQL as it goes over the wire. Default: a POST of nothing. */
export interface Sent {
  method?: string;
  path?: string;
  headers?: { [name: string]: string | string[] };
  body?: string | Buffer;
}

export const LISTED = '{ workflows { name } }';
export const HASH = createHash('sha256').update(LISTED).digest('hex');
const GENERATE = `mutation ($key: String!) {
  generate(input: { idempotencyKey: $key, workflow: { textToImage: { prompt: "a" } } }) { job { id tags } replayed } }`;
export const generate = (key: string) => ({ query: GENERATE, variables: { key } });
export const LIST = 'query Page($first: Int) { jobs(first: $first) { nodes { id status parameters } } }';

/** What is asked, as objects that become JSON, and texts as they are. */
export const BODIES: unknown[] = [
  { query: '{ __typename }' },
  { query: LISTED, operationName: null, variables: null, extensions: null },
  { query: getIntrospectionQuery() },
  { query: LIST, variables: { first: 1 } },
  { query: LIST, variables: { first: 100 }, operationName: 'Page' },
  { query: '{ job(id: "absent") { id } }' },
  { query: '{ job(id: "x") { id } again: job(id: "y") { createdAt } }' },
  { query: `mutation { a: cancelJob(id: "x") { id } ${GENERATE.slice(GENERATE.indexOf('generate'), -1)} }` },
  { query: 'mutation { cancelJob(id: "x") { id } }' },
  // Documents that are refused.
  { query: '' },
  { query: '{' },
  { query: '{ "\n }' },
  { query: `{ ${'x'.repeat(500)} }` },
  { query: '{ nothing, workflows }' },
  { query: '{ job { id } }' },
  { query: '{ job(id: 1.5, x: 1) { id } }' },
  { query: `{ ${'a '.repeat(11_000)} }` },
  { query: `{ ${'{a'.repeat(3_000)}` },
  { query: '{ jobs(first: 100000) { nodes { id } } }' },
  { query: LIST, variables: { first: 'x', more: 1 } },
  { query: LIST, variables: { first: 12345678901234567890n.toString() } },
  { query: GENERATE },
  { query: GENERATE, variables: { key: { key: ['x'.repeat(3_000)] } } },
  { query: 'query ($filter: JobFilter) { jobs(filter: $filter) { nodes { id } } }', variables: { filter: { x: 1 } } },
  // Operations.
  { query: 'query A { __typename } query B { workflows { name } }' },
  { query: 'query A { __typename } query B { workflows { name } }', operationName: 'B' },
  { query: 'query A { __typename } query B { workflows { name } }', operationName: 'C' },
  { query: 'query A { __typename }', operationName: '' },
  { query: 'query A { nothing }', operationName: 'C' },
  { query: 'fragment F on Job { id }' },
  { query: 'subscription { jobProgress(id: "absent") { seq } }' },
  { query: 'subscription { nothing }' },
  { query: 'subscription S { jobProgress(id: "absent") { seq } } query Q { __typename }', operationName: 'Q' },
  // Parameters.
  {},
  { query: null },
  { query: 7 },
  { query: ['{ __typename }'] },
  { query: '{ __typename }', variables: [] },
  { query: '{ __typename }', variables: '{}' },
  { query: '{ __typename }', extensions: [] },
  { query: '{ __typename }', extensions: 'x' },
  { query: '{ __typename }', extensions: { persistedQuery: null, http: { status: 418 } } },
  { query: '{ __typename }', operationName: 7 },
  { query: '{ __typename }', operationName: {} },
  { query: '{ __typename }', id: 1 },
  { query: '{ __typename }', id: null },
  { query: '{ __typename }', constructor: 1, toString: null },
  '{"query":"{ __typename }","__proto__":{"x":1}}',
  '{"query":"{ nothing }","query":"{ __typename }"}',
  '{"query":"{ __typename }","variables":{"a":1},"variables":[]}',
  // Documents by their hash.
  { extensions: { persistedQuery: { version: 1, sha256Hash: HASH } } },
  { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } },
  { query: LISTED, extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } },
  { extensions: { persistedQuery: 7 } },
  { documentId: 'names' },
  { documentId: `sha256:${HASH}` },
  { documentId: 'absent' },
  { documentId: 'absent', query: '{ __typename }' },
  { documentId: 7, query: '{ __typename }' },
  // What is no such JSON.
  '',
  ' ',
  'null',
  '7',
  '"{ __typename }"',
  '[]',
  '[{"query":"{ __typename }"}]',
  '{"query":"{ __typename }"',
  '\ufeff{"query":"{ __typename }"}',
  '{"query":"{ __typename }"} ',
  `{"query":"{ __typename }","variables":${'['.repeat(101)}${']'.repeat(101)}}`,
  `{"query":"{ __typename }","variables":{"a":"${'x'.repeat(99_000)}"}}`,
  `{"query":"{ __typename }","variables":{"a":"${'x'.repeat(110_000)}"}}`,
  Buffer.from([0x7b, 0xff, 0x7d]),
];

export const ACCEPTED = [
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
  'application/json;q=0.5, application/graphql-response+json',
  '*/*',
  'application/*;q=0.1',
  'APPLICATION/JSON ; charset=UTF-8',
  'application/json; charset=latin1',
  'application/json;q=0',
  'text/event-stream',
  'text/event-stream, application/json',
  'application/json, text/event-stream',
  'multipart/mixed',
  'multipart/mixed;deferSpec=20220824, application/json',
  'text/html',
  'nonsense',
  '',
  `${'text/plain, '.repeat(200)}application/json`,
];

export const OTHER_HEADERS: Sent[] = [
  ...[
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'application/json; charset=utf-16',
    'application/json; x=1',
    'application/json, text/plain',
    'application/graphql+json',
    'application/graphql',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    '',
  ].map((type) => ({ headers: { 'content-type': type } })),
  ...['gzip', 'identity', 'gzip;q=0', 'br, *;q=0.1', ''].map((each) => ({ headers: { 'accept-encoding': each } })),
  ...['gzip', 'identity', 'x'].map((each) => ({ headers: { 'content-encoding': each } })),
  ...['https://app.test', 'https://evil.test', 'null'].map((origin) => ({ headers: { origin } })),
  ...['a.b-c', 'with space', 'x'.repeat(65)].map((id) => ({ headers: { 'x-request-id': id } })),
  ...['end', '7', 'x'].map((id) => ({ headers: { 'last-event-id': id, accept: 'text/event-stream' } })),
  { headers: { 'last-event-id': 'end' } },
  { headers: { upgrade: 'h2c', connection: 'upgrade' } },
  { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } },
  { headers: { connection: 'close' } },
  { headers: { host: 'evil.test' } },
  ...['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'].map((method) => ({ method })),
  ...['/graphql?', '/graphql?query={nothing}', '/graphql?a=%zz&operationName=B'].map((path) => ({ path })),
];
