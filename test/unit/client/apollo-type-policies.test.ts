import { InMemoryCache } from '@apollo/client';
import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { possibleTypes, typePolicies } from '../../../client/src/apollo.ts';

const JOB = '01890a5d-ac96-774b-bcce-b302099a8057';

function job(changes: object) {
  return { __typename: 'Job', id: JOB, status: 'RUNNING', ...changes };
}

function progress(fraction: number, more: object = {}) {
  return { __typename: 'Progress', fraction, ...more };
}

function node(step: number) {
  return { __typename: 'ProgressNode', nodeId: '3', classType: 'KSampler', step };
}

function openCache() {
  const cache = new InMemoryCache({ typePolicies, possibleTypes });
  const write = (query: string, data: Record<string, unknown>, variables = {}) =>
    cache.writeQuery({ query: parse(query), data, variables });
  const read = (query: string, variables = {}): unknown => cache.readQuery({ query: parse(query), variables });
  return { write, read };
}

const show = `query { job(id: "${JOB}") {
  id status progress { fraction nodesTotal node { nodeId classType step } } } }`;
const event =
  `{ jobProgress { __typename seq job { __typename id status progress { __typename fraction node ` +
  `{ __typename nodeId classType step } } } } }`;

test('an event brings every place that shows its job up to date, and keeps what it does not carry', () => {
  const { write, read } = openCache();
  write(show, { job: job({ progress: progress(0.1, { nodesTotal: 7, node: node(2) }) }) });
  write(event, {
    jobProgress: {
      __typename: 'JobEvent',
      seq: 5,
      job: job({ status: 'SUCCEEDED', progress: progress(1, { node: null }) }),
    },
  });
  expect(read(show)).toMatchObject({
    job: { status: 'SUCCEEDED', progress: { fraction: 1, nodesTotal: 7, node: null } },
  });
});

test('two jobs that run the same node keep their own', () => {
  const { write, read } = openCache();
  const both = '{ jobs { nodes { __typename id progress { __typename node { __typename nodeId step } } } } }';
  const other = {
    __typename: 'Job',
    id: 'other',
    progress: { __typename: 'Progress', node: { __typename: 'ProgressNode', nodeId: '3', step: 9 } },
  };
  const one = {
    __typename: 'Job',
    id: JOB,
    progress: { __typename: 'Progress', node: { __typename: 'ProgressNode', nodeId: '3', step: 1 } },
  };
  write(both, { jobs: { __typename: 'JobConnection', nodes: [one, other] } });
  expect(read(both)).toMatchObject({
    jobs: { nodes: [{ progress: { node: { step: 1 } } }, { progress: { node: { step: 9 } } }] },
  });
});

test('a job that another answer has brought is read by its id, and one that is gone stays gone', () => {
  const { write, read } = openCache();
  const byId = 'query J($id: ID!) { job(id: $id) { id status } }';
  write('{ jobs { nodes { __typename id status } } }', { jobs: { __typename: 'JobConnection', nodes: [job({})] } });
  expect(read(byId, { id: JOB })).toMatchObject({ job: { status: 'RUNNING' } });
  expect(read(byId, { id: 'absent' })).toBeNull();
  write(byId, { job: null }, { id: 'gone' });
  expect(read(byId, { id: 'gone' })).toEqual({ job: null });
});

test('fragments on the interface fit the types behind it', () => {
  const { write, read } = openCache();
  const artifacts = [
    { __typename: 'ImageArtifact', id: 'a', filename: 'a.png', width: 64 },
    { __typename: 'FileArtifact', id: 'b', filename: 'b.bin' },
  ];
  const query =
    `{ job(id: "${JOB}") { __typename id artifacts { __typename ...F ... on ImageArtifact { ` +
    `width } } } } fragment F on Artifact { id filename }`;
  write(query, { job: job({ artifacts }) });
  expect(read(query)).toMatchObject({ job: { artifacts } });
});

test('pages of a list are put together, each filter apart', () => {
  const { write, read } = openCache();
  const query =
    'query P($after: String, $filter: JobFilter) { jobs(after: $after, filter: $filter) { edges { cursor ' +
    'node { __typename id } } pageInfo { hasNextPage endCursor } } }';
  const page = (id: string, hasNextPage: boolean) => ({
    jobs: {
      __typename: 'JobConnection',
      edges: [{ __typename: 'JobEdge', cursor: `c-${id}`, node: { __typename: 'Job', id } }],
      pageInfo: { __typename: 'PageInfo', hasNextPage, endCursor: `c-${id}` },
    },
  });
  write(query, page('1', true));
  write(query, page('2', false), { after: 'c-1' });
  write(query, page('3', false), { filter: { status: ['FAILED'] } });
  const ids = (variables?: object) => {
    const result = read(query, variables) as { jobs: { edges: { node: { id: string } }[] } };
    return result.jobs.edges.map((edge) => edge.node.id);
  };
  expect(ids()).toEqual(['1', '2']);
  expect(ids({ filter: { status: ['FAILED'] } })).toEqual(['3']);
});
