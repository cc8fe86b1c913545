/* eslint-disable */
import * as types from './graphql.ts';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "mutation CancelJob($id: ID!) {\n  cancelJob(id: $id) {\n    id\n    status\n    cancelRequestedAt\n  }\n}": typeof types.CancelJobDocument,
    "mutation Generate($input: GenerateInput!) {\n  generate(input: $input) {\n    replayed\n    job {\n      ...JobState\n      parameters\n    }\n  }\n}": typeof types.GenerateDocument,
    "fragment JobState on Job {\n  id\n  status\n  workflow\n  seq\n  queuePosition\n  progress {\n    fraction\n    nodesDone\n    nodesTotal\n    node {\n      id\n      classType\n      title\n      step\n      totalSteps\n    }\n  }\n  artifacts {\n    id\n    filename\n    contentType\n    size\n    url\n    ... on ImageArtifact {\n      width\n      height\n    }\n  }\n  error {\n    code\n    message\n    retryable\n  }\n}": typeof types.JobStateFragmentDoc,
    "query Job($id: ID!) {\n  job(id: $id) {\n    ...JobState\n    parameters\n  }\n}": typeof types.JobDocument,
    "query Jobs($first: Int, $after: String, $filter: JobFilter) {\n  jobs(first: $first, after: $after, filter: $filter) {\n    edges {\n      cursor\n      node {\n        ...JobState\n      }\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}": typeof types.JobsDocument,
    "subscription WatchJob($id: ID!) {\n  jobProgress(id: $id) {\n    seq\n    type\n    at\n    job {\n      ...JobState\n    }\n  }\n}": typeof types.WatchJobDocument,
    "query Workflows {\n  workflows {\n    name\n    title\n    description\n    parameters {\n      name\n      type\n      list\n      required\n      description\n      default\n      minimum\n      maximum\n      multipleOf\n      maxLength\n      choices {\n        value\n        label\n      }\n    }\n  }\n}": typeof types.WorkflowsDocument,
};
const documents: Documents = {
    "mutation CancelJob($id: ID!) {\n  cancelJob(id: $id) {\n    id\n    status\n    cancelRequestedAt\n  }\n}": types.CancelJobDocument,
    "mutation Generate($input: GenerateInput!) {\n  generate(input: $input) {\n    replayed\n    job {\n      ...JobState\n      parameters\n    }\n  }\n}": types.GenerateDocument,
    "fragment JobState on Job {\n  id\n  status\n  workflow\n  seq\n  queuePosition\n  progress {\n    fraction\n    nodesDone\n    nodesTotal\n    node {\n      id\n      classType\n      title\n      step\n      totalSteps\n    }\n  }\n  artifacts {\n    id\n    filename\n    contentType\n    size\n    url\n    ... on ImageArtifact {\n      width\n      height\n    }\n  }\n  error {\n    code\n    message\n    retryable\n  }\n}": types.JobStateFragmentDoc,
    "query Job($id: ID!) {\n  job(id: $id) {\n    ...JobState\n    parameters\n  }\n}": types.JobDocument,
    "query Jobs($first: Int, $after: String, $filter: JobFilter) {\n  jobs(first: $first, after: $after, filter: $filter) {\n    edges {\n      cursor\n      node {\n        ...JobState\n      }\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}": types.JobsDocument,
    "subscription WatchJob($id: ID!) {\n  jobProgress(id: $id) {\n    seq\n    type\n    at\n    job {\n      ...JobState\n    }\n  }\n}": types.WatchJobDocument,
    "query Workflows {\n  workflows {\n    name\n    title\n    description\n    parameters {\n      name\n      type\n      list\n      required\n      description\n      default\n      minimum\n      maximum\n      multipleOf\n      maxLength\n      choices {\n        value\n        label\n      }\n    }\n  }\n}": types.WorkflowsDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation CancelJob($id: ID!) {\n  cancelJob(id: $id) {\n    id\n    status\n    cancelRequestedAt\n  }\n}"): (typeof documents)["mutation CancelJob($id: ID!) {\n  cancelJob(id: $id) {\n    id\n    status\n    cancelRequestedAt\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation Generate($input: GenerateInput!) {\n  generate(input: $input) {\n    replayed\n    job {\n      ...JobState\n      parameters\n    }\n  }\n}"): (typeof documents)["mutation Generate($input: GenerateInput!) {\n  generate(input: $input) {\n    replayed\n    job {\n      ...JobState\n      parameters\n    }\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "fragment JobState on Job {\n  id\n  status\n  workflow\n  seq\n  queuePosition\n  progress {\n    fraction\n    nodesDone\n    nodesTotal\n    node {\n      id\n      classType\n      title\n      step\n      totalSteps\n    }\n  }\n  artifacts {\n    id\n    filename\n    contentType\n    size\n    url\n    ... on ImageArtifact {\n      width\n      height\n    }\n  }\n  error {\n    code\n    message\n    retryable\n  }\n}"): (typeof documents)["fragment JobState on Job {\n  id\n  status\n  workflow\n  seq\n  queuePosition\n  progress {\n    fraction\n    nodesDone\n    nodesTotal\n    node {\n      id\n      classType\n      title\n      step\n      totalSteps\n    }\n  }\n  artifacts {\n    id\n    filename\n    contentType\n    size\n    url\n    ... on ImageArtifact {\n      width\n      height\n    }\n  }\n  error {\n    code\n    message\n    retryable\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Job($id: ID!) {\n  job(id: $id) {\n    ...JobState\n    parameters\n  }\n}"): (typeof documents)["query Job($id: ID!) {\n  job(id: $id) {\n    ...JobState\n    parameters\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Jobs($first: Int, $after: String, $filter: JobFilter) {\n  jobs(first: $first, after: $after, filter: $filter) {\n    edges {\n      cursor\n      node {\n        ...JobState\n      }\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}"): (typeof documents)["query Jobs($first: Int, $after: String, $filter: JobFilter) {\n  jobs(first: $first, after: $after, filter: $filter) {\n    edges {\n      cursor\n      node {\n        ...JobState\n      }\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "subscription WatchJob($id: ID!) {\n  jobProgress(id: $id) {\n    seq\n    type\n    at\n    job {\n      ...JobState\n    }\n  }\n}"): (typeof documents)["subscription WatchJob($id: ID!) {\n  jobProgress(id: $id) {\n    seq\n    type\n    at\n    job {\n      ...JobState\n    }\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Workflows {\n  workflows {\n    name\n    title\n    description\n    parameters {\n      name\n      type\n      list\n      required\n      description\n      default\n      minimum\n      maximum\n      multipleOf\n      maxLength\n      choices {\n        value\n        label\n      }\n    }\n  }\n}"): (typeof documents)["query Workflows {\n  workflows {\n    name\n    title\n    description\n    parameters {\n      name\n      type\n      list\n      required\n      description\n      default\n      minimum\n      maximum\n      multipleOf\n      maxLength\n      choices {\n        value\n        label\n      }\n    }\n  }\n}"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;