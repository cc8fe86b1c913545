import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import type { GraphQLParams } from 'graphql-yoga';
import type { Engine } from '../../graphql/engine/engine.ts';
import { codeOf } from '../../graphql/engine/errors.ts';
import type { NamingRequest } from '../../graphql/engine/persisted-documents.ts';
import { HttpFault } from '../reply.ts';
import { checkNesting, parseJsonBody } from './json-body.ts';

/**
 * What is asked: in the body of a POST, whose text that is, else in the address. A document that is named by its hash
 * is there as its text. Throws HttpFault. Types are checked of `operationName` only, which Yoga does not look at.
 */
export function readParams(req: IncomingMessage, body: string | null, engine: Engine, requestId: string) {
  const { documentId, ...params }: { [name: string]: unknown } = body === null ? paramsIn(req) : parseJsonBody(body);
  checkOperationName(params);
  const named = textNamed(engine, { ...params, documentId }, requestId);
  return named === null ? params : { ...params, query: named };
}

function checkOperationName(body: { operationName?: unknown }): asserts body is GraphQLParams {
  if (body.operationName != null && typeof body.operationName !== 'string') {
    throw new HttpFault(400, 'BAD_REQUEST', 'Expected operationName to be a string.');
  }
}

/**
 * The text of the document that a request names by its hash, or null. Throws what is wrong with that with the status
 * that clients expect: those that send `persistedQuery` look no further at an answer with another one.
 */
function textNamed(engine: Engine, request: NamingRequest, requestId: string): string | null {
  try {
    return engine.named(request, requestId);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    throw new HttpFault(request.documentId ? 400 : 200, codeOf(error), error.message);
  }
}

/** What stands in the address of a GET. Yoga takes the two of JSON for granted. */
function paramsIn(req: IncomingMessage): { [name: string]: unknown } {
  const { searchParams } = new URL(req.url ?? '', 'http://gateway');
  const textOf = (name: string) => searchParams.get(name) || undefined;
  const given = (name: string) => {
    const text = textOf(name);
    if (!text) return undefined;
    checkNesting(text);
    try {
      return JSON.parse(text);
    } catch {
      throw new HttpFault(400, 'BAD_REQUEST', `The parameter ${name} is not JSON.`);
    }
  };
  return {
    query: textOf('query'),
    operationName: textOf('operationName'),
    documentId: textOf('documentId'),
    variables: given('variables'),
    extensions: given('extensions'),
  };
}
