import type { Identity } from '../../callers/identity.ts';
import type { Sessions } from '../../callers/sessions.ts';
import { isObject, own } from '../../core/objects.ts';
import { credentialsInParams } from '../credentials.ts';
import { countedAs, type From, type Login } from '../login.ts';
import { HttpFault } from '../reply.ts';

/** What a socket is closed with, in the words of graphql-ws's clients, which try 1013 and 4403 again after a while. */
const FORBIDDEN = [4403, 'Forbidden'] as const;
const CLOSED_BY = new Map<number, readonly [code: number, reason: string]>([
  [401, FORBIDDEN],
  [429, [4429, 'Too many wrong credentials']],
  [503, [1013, 'Try again later']],
]);

/** A socket, as far as who calls over it matters. */
export interface Caller extends From {
  identity: Identity;
}

export interface SocketLoginOptions {
  /** Null: nobody is told apart. */
  login: Login | null;
  sessions: Sessions | undefined;
  /** The socket, which is nobody's yet. */
  owner: Caller;
  isOpen(): boolean;
  /** Ends the socket, and all that it has open. */
  close(code: number, reason: string): void;
  /** Counts the socket against this client from now on. False: that has as many as it, or this caller, may have. */
  moveTo(client: string, identity: Identity): boolean;
}

/** Until when a socket is its caller's, as clients are told. */
interface Told extends Record<string, unknown> {
  /** Null: until the key is revoked. */
  authorization: { expiresAt: string | null };
}

export interface SocketLogin extends Disposable {
  /** Whether it has been found out who calls, or need not be. */
  isKnown(): boolean;
  /** For the first message: what is said in answer to it; false where the socket has been closed instead. */
  connect(params: unknown): Promise<Told | false> | undefined;
  /**
   * For a ping whose payload has `authorization`, a new key or token of the same caller: what its pong says. Closes the
   * socket for any other. Undefined: the ping is one like any other.
   */
  renew(payload: unknown): Promise<Told | null> | undefined;
}

/** Who calls over a socket: said by its first message, and again before what proved it ends. */
export function createSocketLogin(options: SocketLoginOptions): SocketLogin {
  const { login, sessions, owner, isOpen, close, moveTo } = options;
  const from: From = { requestId: owner.requestId, client: owner.client, address: owner.address };
  let session: Disposable | undefined;
  let known = false;

  /** Null where the socket is no longer there, be it for that. */
  async function identify(params: unknown, logIn: Login): Promise<Identity | HttpFault | null> {
    try {
      const identity = await logIn(credentialsInParams(params), from);
      return isOpen() ? identity : null;
    } catch (error) {
      if (!(error instanceof HttpFault)) throw error;
      return error;
    }
  }

  function become(identity: Identity): void {
    owner.identity = identity;
    const before = session;
    session = sessions?.follow(identity, () => close(...FORBIDDEN));
    before?.[Symbol.dispose]();
  }

  function told(): Told {
    const { expiresAt } = owner.identity;
    return { authorization: { expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString() } };
  }

  function refuse({ status }: HttpFault): null {
    close(...(CLOSED_BY.get(status) ?? FORBIDDEN));
    return null;
  }

  async function connect(params: unknown, logIn: Login): Promise<Told | false> {
    const found = await identify(params, logIn);
    if (found instanceof HttpFault) return refuse(found) ?? false;
    if (!found) return false;
    const client = countedAs(found, from.client);
    if (client !== from.client && !moveTo(client, found)) {
      close(1013, 'Too many connections');
      return false;
    }
    known = true;
    become(found);
    return isOpen() && told();
  }

  async function renew(params: unknown, logIn: Login): Promise<Told | null> {
    const found = await identify(params, logIn);
    // It stays what it is while that cannot be found out: its client sees that by the time.
    if (found instanceof HttpFault) return found.status === 503 ? told() : refuse(found);
    if (!found) return null;
    if (!mayFollow(owner.identity, found)) {
      close(...FORBIDDEN);
      return null;
    }
    become(found);
    return told();
  }

  return {
    isKnown: () => known,
    connect(params) {
      if (login) return connect(params, login);
      known = true;
      return undefined;
    },
    renew(payload) {
      if (!login || !known || !isObject(payload) || own(payload, 'authorization') === undefined) return undefined;
      return renew({ authorization: payload.authorization }, login);
    },
    [Symbol.dispose]: () => session?.[Symbol.dispose](),
  };
}

/**
 * Whether what was begun by the one may go on as the other's: of the same caller, who may do no less by it. Otherwise
 * what is open would outlive the only key that allows it.
 */
function mayFollow(before: Identity, next: Identity): boolean {
  if (next.caller !== before.caller || !isWithin(before.scopes, next.scopes)) return false;
  if (!next.watch) return true;
  if (!before.watch) return false;
  const { jobs, tag } = before.watch;
  return jobs ? next.watch.jobs !== undefined && isWithin(jobs, next.watch.jobs) : next.watch.tag === tag;
}

function isWithin<T>(some: ReadonlySet<T>, others: ReadonlySet<T>): boolean {
  return [...some].every((each) => others.has(each));
}
