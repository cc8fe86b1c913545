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
  return new OneSocketLogin(options);
}

/** A class, since there are many thousand: methods that are closures would take five times as much. */
class OneSocketLogin implements SocketLogin {
  readonly #options: SocketLoginOptions;
  readonly #from: From;
  #session: Disposable | undefined;
  #known = false;

  constructor(options: SocketLoginOptions) {
    this.#options = options;
    const { requestId, client, address } = options.owner;
    this.#from = { requestId, client, address };
  }

  isKnown(): boolean {
    return this.#known;
  }

  connect(params: unknown): Promise<Told | false> | undefined {
    const { login } = this.#options;
    if (login) return this.#connect(params, login);
    this.#known = true;
    return undefined;
  }

  renew(payload: unknown): Promise<Told | null> | undefined {
    const { login } = this.#options;
    if (!login || !this.#known || !isObject(payload) || own(payload, 'authorization') === undefined) return undefined;
    return this.#renew({ authorization: payload.authorization }, login);
  }

  [Symbol.dispose](): void {
    this.#session?.[Symbol.dispose]();
  }

  /** Null where the socket is no longer there, be it for that. */
  async #identify(params: unknown, logIn: Login): Promise<Identity | HttpFault | null> {
    try {
      const identity = await logIn(credentialsInParams(params), this.#from);
      return this.#options.isOpen() ? identity : null;
    } catch (error) {
      if (!(error instanceof HttpFault)) throw error;
      return error;
    }
  }

  #become(identity: Identity): void {
    const { owner, sessions, close } = this.#options;
    owner.identity = identity;
    const before = this.#session;
    this.#session = sessions?.follow(identity, () => close(...FORBIDDEN));
    before?.[Symbol.dispose]();
  }

  #told(): Told {
    const { expiresAt } = this.#options.owner.identity;
    return { authorization: { expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString() } };
  }

  #refuse({ status }: HttpFault): null {
    this.#options.close(...(CLOSED_BY.get(status) ?? FORBIDDEN));
    return null;
  }

  async #connect(params: unknown, logIn: Login): Promise<Told | false> {
    const { close, moveTo, isOpen } = this.#options;
    const found = await this.#identify(params, logIn);
    if (found instanceof HttpFault) return this.#refuse(found) ?? false;
    if (!found) return false;
    const client = countedAs(found, this.#from.client);
    if (client !== this.#from.client && !moveTo(client, found)) {
      close(1013, 'Too many connections');
      return false;
    }
    this.#known = true;
    this.#become(found);
    return isOpen() && this.#told();
  }

  async #renew(params: unknown, logIn: Login): Promise<Told | null> {
    const { owner, close } = this.#options;
    const found = await this.#identify(params, logIn);
    // It stays what it is while that cannot be found out: its client sees that by the time.
    if (found instanceof HttpFault) return found.status === 503 ? this.#told() : this.#refuse(found);
    if (!found) return null;
    if (!mayFollow(owner.identity, found)) {
      close(...FORBIDDEN);
      return null;
    }
    this.#become(found);
    return this.#told();
  }
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
