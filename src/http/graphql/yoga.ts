import type { IncomingMessage } from 'node:http';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { createYoga, type GraphQLParams, type Plugin } from 'graphql-yoga';
import type { GraphContext } from '../../graphql/context.ts';
import type { Engine } from '../../graphql/engine/engine.ts';
import type { Operation } from '../../graphql/engine/operation.ts';
import { createOperationLabels } from '../../graphql/engine/operation-labels.ts';
import { EVENT_STREAM } from './acceptable-types.ts';
import { final, numbered, unlessOver } from './event-ids.ts';
import { eventStream } from './event-stream.ts';
import { type AnswerContext, isResult, useHttpStatus } from './http-status.ts';
import { executeInTurn } from './one-answer.ts';

/** The subscription whose events go on behind a number. */
const NUMBERED = 'jobProgress';

export interface RequestContext extends GraphContext, AnswerContext {
  /** What is asked, which has been read before Yoga gets the request. */
  params: GraphQLParams;
}

/** Answers by whatever way of GraphQL over HTTP is asked for. */
export type AnswerByYoga = (req: IncomingMessage, accept: string, context: RequestContext) => Promise<Response>;

/** Yoga takes what has been read of a body or an address, and reads none itself. */
const useParams: Plugin<RequestContext, RequestContext> = {
  onRequestParse({ serverContext: { params }, setRequestParser }) {
    setRequestParser(() => params);
  },
};

/** Yoga parses, validates and executes by the engine, which has the limits, the cache and the public errors. */
function useGatewayEngine(engine: Engine): Plugin<GraphContext> {
  const labelsOf = createOperationLabels(engine.schema);

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
      setExecuteFn((operation: Operation) => executeInTurn(engine, operation, context)),
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

/** Yoga, which takes what is asked from the context and answers with errors of the engine's. */
export function createYogaAnswers(engine: Engine): AnswerByYoga {
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
  return async ({ method = 'GET', url = '', headers }, accept, context) => {
    const type = headers['content-type'];
    // Media types are the same in any case, to Yoga they are not. It has been checked by then: see json-body.ts.
    const given = { accept, ...(type !== undefined && { 'content-type': type.toLowerCase() }) };
    return yoga.handleRequest(new Request(`http://gateway${url}`, { method, headers: given }), context);
  };
}
