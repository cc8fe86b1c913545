import type { IncomingMessage, ServerResponse } from 'node:http';
import { anonymous, type Identity } from '../callers/identity.ts';
import type { Budgets } from '../graphql/engine/budgets.ts';
import { addressOf, clientAddress } from './client-address.ts';
import { readCredentials, type Unread, withBody } from './credentials.ts';
import { readJsonText } from './graphql/json-body.ts';
import { countedAs, type From, type Login } from './login.ts';

/** Who has sent a request. */
export interface Sender extends From {
  identity: Identity;
  /** Whom it is counted against: a caller, or nobody in particular by the address. */
  client: string;
  /** That of a POST, where it had to be read to find out. */
  body: string | undefined;
}

/** Finds out who has sent a request. Rejects with HttpFault. */
export type Identify = (req: IncomingMessage, res: ServerResponse, requestId: string) => Promise<Sender>;

export interface IdentifyOptions {
  /** Null: nobody is told apart, and whatever credentials come are ignored. */
  login: Login | null;
  budgets: Budgets;
  maxBodyBytes: number;
}

export function createIdentify({ login, budgets, maxBodyBytes }: IdentifyOptions): Identify {
  /** Of a signed request its body is read before it is known who calls: it is counted against the address. */
  async function signer(req: IncomingMessage, credentials: Unread, from: From, logIn: Login) {
    using budget = budgets.open(from.client);
    const body = req.method === 'POST' ? await readJsonText(req, maxBodyBytes, budget) : '';
    return { body, identity: await logIn(withBody(credentials, req, body), from) };
  }

  return async (req, res, requestId) => {
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
    }
    return { ...from, identity, client: countedAs(identity, from.client), body };
  };
}
