import type { IncomingMessage, ServerResponse } from 'node:http';
import { inTraceOf } from '../../observability/spans.ts';
import type { Identify } from '../identify.ts';
import { HttpFault } from '../reply.ts';
import { acceptsPage } from './graphiql.ts';
import type { YogaHandler } from './yoga.ts';

export interface GraphqlRouteOptions {
  yoga: YogaHandler;
  /** GraphiQL for browsers; null: they get none. */
  page: ((req: IncomingMessage, res: ServerResponse) => Promise<void>) | null;
  identify: Identify;
  /** Lets in the page of a listed origin, which may use these methods. Throws HttpFault for a foreign one. */
  admitPage: (req: IncomingMessage, res: ServerResponse, methods: string) => void;
}

export type GraphqlRoute = (req: IncomingMessage, res: ServerResponse, requestId: string) => Promise<void>;

/** Answers GraphQL over HTTP: first whether a page may call, then who calls, and only then what is asked. */
export function createGraphqlRoute(options: GraphqlRouteOptions): GraphqlRoute {
  const { yoga, page, identify, admitPage } = options;

  async function answer(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<void> {
    const who = await identify(req, res, requestId);
    if (!res.destroyed) await inTraceOf(req.headers, () => yoga(req, res, who));
  }

  return async (req, res, requestId) => {
    admitPage(req, res, 'GET, POST');
    if (req.method === 'OPTIONS') {
      res.writeHead(204, { Allow: 'GET, POST, OPTIONS' }).end();
      return;
    }
    if (req.method !== 'GET' && req.method !== 'POST') {
      throw new HttpFault(405, 'BAD_REQUEST', 'GraphQL is asked by GET or POST.', { Allow: 'GET, POST, OPTIONS' });
    }
    if (page && acceptsPage(req)) return page(req, res);
    return answer(req, res, requestId);
  };
}
