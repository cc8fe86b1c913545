import type { IncomingMessage, ServerResponse } from 'node:http';
import { anonymous, type Identity } from '../../callers/identity.ts';
import type { Budgets } from '../../graphql/engine/budgets.ts';
import { inTraceOf } from '../../observability/spans.ts';
import { addressOf, clientAddress } from '../client-address.ts';
import { readCredentials, type Unread, withBody } from '../credentials.ts';
import { countedAs, type From, type Login } from '../login.ts';
import { HttpFault } from '../reply.ts';
import { acceptsPage } from './graphiql.ts';
import type { GraphqlHandler } from './graphql-handler.ts';
import { readJsonText } from './json-body.ts';

export interface GraphqlRouteOptions {
  handler: GraphqlHandler;
  /** GraphiQL for browsers; null: they get none. */
  page: ((req: IncomingMessage, res: ServerResponse) => Promise<void>) | null;
  /** Null: nobody is told apart, and whatever credentials come are ignored. */
  login: Login | null;
  budgets: Budgets;
  maxBodyBytes: number;
  /** Lets in the page of a listed origin, which may use these methods. Throws HttpFault for a foreign one. */
  admitPage: (req: IncomingMessage, res: ServerResponse, methods: string) => void;
}

export type GraphqlRoute = (req: IncomingMessage, res: ServerResponse, requestId: string) => Promise<void>;

/** Answers GraphQL over HTTP: first whether a page may call, then who calls, and only then what is asked. */
export function createGraphqlRoute(options: GraphqlRouteOptions): GraphqlRoute {
  const { handler, page, login, budgets, maxBodyBytes, admitPage } = options;

  /** Of a signed request its body is read before it is known who calls: it is counted against the address. */
  async function signer(req: IncomingMessage, credentials: Unread, from: From, logIn: Login) {
    using budget = budgets.open(from.client);
    const body = req.method === 'POST' ? await readJsonText(req, maxBodyBytes, budget) : '';
    return { body, identity: await logIn(withBody(credentials, req, body), from) };
  }

  async function answer(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<void> {
    const from = { requestId, client: clientAddress(req), address: addressOf(req) };
    let identity: Identity = anonymous;
    let body: string | undefined;
    if (login) {
      // What one caller is told is nobody else's.
      res.setHeader('Cache-Control', 'no-store');
      const credentials = readCredentials(req);
      if (credentials?.kind === 'signed') ({ body, identity } = await signer(req, credentials, from, login));
      else {
        const found = login(credentials, from);
        // Most are known already, and need not wait for a turn.
        identity = found instanceof Promise ? await found : found;
      }
      if (res.destroyed) return;
    }
    const who = { ...from, identity, client: countedAs(identity, from.client), body };
    await inTraceOf(req.headers, () => handler(req, res, who));
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
