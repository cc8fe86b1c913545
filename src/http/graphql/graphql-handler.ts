import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphServices, OperationContext } from '../../graphql/context.ts';
import type { Engine } from '../../graphql/engine/engine.ts';
import { HttpFault, tooMuchWaits } from '../reply.ts';
import { createAcceptableTypes, EVENT_STREAM, notAcceptable } from './acceptable-types.ts';
import { createCompression } from './compress.ts';
import { ENDED, seqIn } from './event-ids.ts';
import { noteLimits } from './http-status.ts';
import { createOneAnswer } from './one-answer.ts';
import { createOpenRequest, type OpenRequestOptions } from './open-request.ts';
import type { Places } from './places.ts';
import { readParams } from './request-params.ts';
import { isStream, sendAnswer, sendResponse } from './send-response.ts';
import { createYogaAnswers, type RequestContext } from './yoga.ts';

export interface GraphqlHandlerOptions extends OpenRequestOptions {
  engine: Engine;
  services: GraphServices;
  places: Places;
  /** A client that takes no byte of its answer for so long is given up. */
  stillMs: number;
  /** Whether Yoga answers everything, as a measure of the short way. Default false. */
  onlyYoga?: boolean | undefined;
}

/**
 * Answers a GET or POST of GraphQL. Rejects with HttpFault for what is no GraphQL request. `body`: that of a POST,
 * where it has been read before.
 */
export type GraphqlHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  operation: Pick<OperationContext, 'requestId' | 'identity' | 'address' | 'client'> & {
    body?: string | undefined;
  },
) => Promise<void>;

export function createGraphqlHandler(options: GraphqlHandlerOptions): GraphqlHandler {
  const { engine, services, budgets, places, stillMs, onlyYoga = false } = options;
  const openRequest = createOpenRequest(options);
  const acceptableTypes = createAcceptableTypes();
  const answerOnce = createOneAnswer(engine);
  const answerByYoga = createYogaAnswers(engine);
  const sending = { stillMs, compression: createCompression() };

  return async (req, res, { client, body, ...operation }) => {
    const types = acceptableTypes(req);
    const accept = types.join(', ');
    const open = await openRequest(req, res, { client, identity: operation.identity, body });
    if (!open) return;
    const { over, budget, text, turn } = open;
    const lastEventId = req.headers['last-event-id'];
    const lastSeq = seqIn(lastEventId);
    if (lastEventId === ENDED && accept === EVENT_STREAM) {
      res.writeHead(204).end();
      return;
    }
    const params = readParams(req, text, engine, operation.requestId);
    if (!budgets.hasRoom(client)) throw tooMuchWaits();
    const { signal } = over;
    const context: RequestContext = {
      ...operation,
      ...noteLimits(),
      client,
      budget,
      turn,
      lastSeq,
      signal,
      services,
      params,
    };
    const answer = text === null || onlyYoga ? null : await answerOnce(params, types, context);
    if (answer) return sendAnswer(answer, res, sending);
    const response = await answerByYoga(req, accept, context);
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
    await sendResponse(response, res, sending);
  };
}
