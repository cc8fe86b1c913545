import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { createYoga, type GraphQLParams, type Plugin } from 'graphql-yoga';
import Negotiator from 'negotiator';
import type { Turns } from '../../async/turns.ts';
import type { Sessions } from '../../callers/sessions.ts';
import { unauthenticated } from '../../core/errors.ts';
import type { GraphContext, GraphServices, OperationContext } from '../../graphql/context.ts';
import type { Budgets } from '../../graphql/engine/budgets.ts';
import type { Engine } from '../../graphql/engine/engine.ts';
import { codeOf } from '../../graphql/engine/errors.ts';
import { type Operation, turnOf } from '../../graphql/engine/operation.ts';
import { createOperationLabels } from '../../graphql/engine/operation-labels.ts';
import type { NamingRequest } from '../../graphql/engine/persisted-documents.ts';
import { followLasting } from '../lasting.ts';
import { HttpFault, tooMuchWaits } from '../reply.ts';
import { createCompression } from './compress.ts';
import { ENDED, final, numbered, seqIn, unlessOver } from './event-ids.ts';
import { eventStream } from './event-stream.ts';
import { type AnswerContext, isResult, noteLimits, useHttpStatus } from './http-status.ts';
import { checkNesting, parseJsonBody, readJsonText } from './json-body.ts';
import type { Places } from './places.ts';
import { isStream, sendResponse } from './send-response.ts';

export interface YogaHandlerOptions {
  engine: Engine;
  services: GraphServices;
  budgets: Budgets;
  turns: Turns;
  places: Places;
  /** Tells when what somebody has open is to end. Default: it never is. */
  sessions?: Sessions | undefined;
  /** The longest body of a POST. */
  maxBodyBytes: number;
  /** A client that takes no byte of its answer for so long is given up. */
  stillMs: number;
}

/**
 * Answers a GET or POST of GraphQL. Rejects with HttpFault for what is no GraphQL request. `body`: that of a POST,
 * where it has been read before.
 */
export type YogaHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  operation: Pick<OperationContext, 'requestId' | 'identity' | 'address' | 'client'> & {
    body?: string | undefined;
  },
) => Promise<void>;

/** An answer of so much takes as long to write as all else of most requests. */
const LARGE_BYTES = 64 * 1024;

/** The subscription whose events go on behind a number. */
const NUMBERED = 'jobProgress';

interface RequestContext extends GraphContext, AnswerContext {
  /** What is asked, which has been read before Yoga gets the request. */
  params?: GraphQLParams;
}

/** Yoga takes what has been read of a body or an address, and reads none itself. */
const useParams: Plugin<RequestContext, RequestContext> = {
  onRequestParse({ serverContext: { params }, setRequestParser }) {
    if (params !== undefined) setRequestParser(() => params);
  },
};

/** Yoga parses, validates and executes by the engine, which has the limits, the cache and the public errors. */
function useGatewayEngine(engine: Engine): Plugin<GraphContext> {
  const labelsOf = createOperationLabels(engine.schema);

  /** What has waited for others has come in nobody's turn, and to write a large answer takes many milliseconds. */
  async function inTurn(operation: Operation, result: ExecutionResult, { budget }: GraphContext) {
    if (budget.answerBytes() > LARGE_BYTES) await turnOf(operation);
    return result;
  }

  async function subscribe(operation: Operation): ReturnType<Engine['subscribe']> {
    const isNumbered = labelsOf(operation.document, operation.operationName).operation === NUMBERED;
    const results = await engine.subscribe(operation, isNumbered ? numbered : undefined);
    if (!(Symbol.asyncIterator in results)) return results;
    const next = () => results.next().catch((error) => ({ done: false, value: final({ errors: [error] }) }));
    return { ...results, next };
  }
  return {
    onParse: ({ context, setParseFn }) => setParseFn((source) => engine.parse(String(source), context.requestId)),
    onValidate: ({ context, setValidationFn }) =>
      // Copies, since Yoga writes HTTP statuses into them and the engine keeps them for all.
      setValidationFn((_schema, document) =>
        engine
          .validate(document, context.requestId)
          .map(({ message, nodes = null, extensions }) => new GraphQLError(message, { nodes, extensions })),
      ),
    onExecute: ({ context, setExecuteFn }) =>
      setExecuteFn((operation: Operation) => {
        const result = engine.execute(operation);
        return result instanceof Promise ? result.then((settled) => inTurn(operation, settled, context)) : result;
      }),
    onSubscribe: ({ setSubscribeFn }) => setSubscribeFn(subscribe),
  };
}

/** Answers by server-sent events, and with 204 an EventSource that connects again and has seen all. */
const useEventStream: Plugin<GraphContext, RequestContext> = {
  async onResultProcess({ request, result, serverContext: { lastSeq }, setResultProcessor }) {
    const accept = request.headers.get('accept') ?? '';
    if (isResult(result)) {
      if (accept !== EVENT_STREAM) return;
      return setResultProcessor((_result, fetchAPI) => eventStream(onlyOne(result), fetchAPI), EVENT_STREAM);
    }
    if (!(Symbol.asyncIterator in result) || !accept.includes(EVENT_STREAM)) return;
    const results = lastSeq === undefined ? result : await unlessOver(result);
    setResultProcessor(
      (_result, fetchAPI) => (results ? eventStream(results, fetchAPI) : new fetchAPI.Response(null, { status: 204 })),
      EVENT_STREAM,
    );
  },
};

/** A result that is no subscription's, without what Yoga has noted in it: its status is of no use to EventSource. */
async function* onlyOne({ data, errors }: ExecutionResult): AsyncGenerator<ExecutionResult> {
  const shown = errors?.map(({ message, nodes = null, source, positions, path, extensions }) => {
    const { http: _http, ...told } = extensions;
    return new GraphQLError(message, { nodes, source, positions, path, extensions: told });
  });
  yield final({ ...(shown && { errors: shown }), ...(data !== undefined && { data }) });
}

export function createYogaHandler(options: YogaHandlerOptions): YogaHandler {
  const { engine, services, budgets, turns, places, maxBodyBytes, stillMs } = options;
  const sessions = options.sessions && followLasting(options.sessions);
  const yoga = createYoga<RequestContext>({
    plugins: [useParams, useGatewayEngine(engine), useHttpStatus(), useEventStream],
    maskedErrors: { maskError: (error) => engine.publicError(error) },
    parserAndValidationCache: false,
    // Bounded while it is read, see json-body.ts: Yoga's own way costs half of its speed.
    maxRequestBodySize: false,
    multipart: false,
    batching: false,
    // The server's own, see server.ts.
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
    // Yoga would answer any address that ends with it, a query string included; no address ends like this.
    healthCheckEndpoint: '\n',
  });
  const { Request } = yoga.fetchAPI;
  const compression = createCompression();

  return async (req, res, { client, body, ...operation }) => {
    const accept = acceptableTypes(req);
    /** Aborted when the client has left, with no reason, and when its key or token has ended, with the error for it. */
    const over = new AbortController();
    const budget = budgets.open(client);
    const session = sessions?.follow(operation.identity, () => over.abort(unauthenticated()));
    res.once('close', () => {
      budget[Symbol.dispose]();
      session?.[Symbol.dispose]();
      if (!res.writableFinished) over.abort();
    });
    const request = new Request(`http://gateway${req.url ?? ''}`, {
      method: req.method ?? 'GET',
      headers: { accept, ...contentTypeOf(req) },
    });
    const turn = () => turns.take(client, req.socket);
    const lastEventId = req.headers['last-event-id'];
    const lastSeq = seqIn(lastEventId);
    const { signal } = over;
    const told = { client, budget, turn, lastSeq, signal, services, ...noteLimits() };
    const context: RequestContext = { ...operation, ...told };
    if (body !== undefined && !budget.keep(body.length)) throw tooMuchWaits();
    const text = req.method === 'POST' ? (body ?? (await readJsonText(req, maxBodyBytes, budget))) : null;
    await turn();
    if (res.destroyed) return;
    if (lastEventId === ENDED && accept === EVENT_STREAM) {
      res.writeHead(204).end();
      return;
    }
    const { documentId, ...params }: { [name: string]: unknown } = text === null ? paramsIn(req) : parseJsonBody(text);
    checkOperationName(params);
    const named = textNamed(engine, { ...params, documentId }, operation.requestId);
    context.params = named === null ? params : { ...params, query: named };
    if (!budgets.hasRoom(client)) throw tooMuchWaits();
    const response = await yoga.handleRequest(request, context);
    if (response.status === 406) {
      // A subscription has begun by then, and nobody will read it.
      over.abort();
      throw notAcceptable();
    }
    // Of a client that has left nobody would give it back.
    if (isStream(response) && !res.destroyed) {
      const place = places.take(client, services.plans.boundsOf(operation.identity).subscriptions);
      if (!place) {
        over.abort();
        throw new HttpFault(429, 'RATE_LIMITED', 'Too many subscriptions are open.', { 'Retry-After': '10' });
      }
      res.once('close', () => place[Symbol.dispose]());
    }
    await sendResponse(response, res, { stillMs, compression });
  };
}

const EVENT_STREAM = 'text/event-stream; charset=utf-8';
/** What an answer can be written as, the usual one first. */
const PRODUCED = [
  'application/json; charset=utf-8',
  'application/graphql-response+json; charset=utf-8',
  EVENT_STREAM,
  'multipart/mixed; charset=utf-8',
];

/** Browsers' are the longest, of some 150 characters. What is beyond would only cost time. */
const MAX_ACCEPT_CHARACTERS = 1_000;
/** Parameters of a media type by which no answer differs, such as those of incremental delivery (`deferSpec`). */
const OTHER_PARAMETERS = /;(?!\s*(?:q|charset)\s*=)[^;,]*/gi;

/**
 * The types that the client takes, in the order in which it prefers them. Throws 406 where there is none, before
 * anything is executed: Yoga looks only afterwards.
 */
function acceptableTypes({ headers }: IncomingMessage): string {
  const accept = (headers.accept || '*/*').slice(0, MAX_ACCEPT_CHARACTERS).replace(OTHER_PARAMETERS, '');
  const types = new Negotiator({ headers: { accept } }).mediaTypes(PRODUCED);
  if (types.length === 0) throw notAcceptable();
  return types.join(', ');
}

/** 406 with what was expected, which Yoga does not say. */
function notAcceptable(): HttpFault {
  const types = 'application/json or application/graphql-response+json, for a subscription text/event-stream';
  return new HttpFault(406, 'BAD_REQUEST', `Expected Accept: ${types}.`);
}

/** Media types are the same in any case, to Yoga they are not. It has been checked by then: see json-body.ts. */
function contentTypeOf({ headers }: IncomingMessage): Record<string, string> {
  const type = headers['content-type'];
  return type === undefined ? {} : { 'content-type': type.toLowerCase() };
}

/** Yoga checks the types of all parameters but this one. */
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
