import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { type ExecutionArgs, type ExecutionResult, type GraphQLError, getOperationAST } from 'graphql';
import type { ServerOptions, SubscribePayload } from 'graphql-ws';
import { createSemaphore, type Semaphore } from '../../async/semaphore.ts';
import type { Turns } from '../../async/turns.ts';
import type { Identity } from '../../callers/identity.ts';
import type { GraphContext, GraphServices } from '../../graphql/context.ts';
import { type Budget, type Budgets, TOO_MUCH_WAITS } from '../../graphql/engine/budgets.ts';
import type { Engine } from '../../graphql/engine/engine.ts';
import type { Operation } from '../../graphql/engine/operation.ts';
import { inTraceOf } from '../../observability/spans.ts';
import type { Places } from './places.ts';
import { createSharedExecution, operationKey } from './shared-execution.ts';

/** What belongs to one socket. */
export interface SocketOwner extends Record<PropertyKey, unknown> {
  requestId: string;
  identity: Identity;
  /** Whom it is counted against: its address until it is known who calls, see client-address.ts and login.ts. */
  client: string;
  /** As it is written into the audit log. */
  address?: string | undefined;
  /** Of the request that it began with. */
  headers: IncomingHttpHeaders;
  /** Sends a message in parts, see outbox.ts. Undefined: it has gone out; else resolves when it has. */
  send(head: string, body: Buffer, tail: string): Promise<void> | undefined;
  /**
   * The operations that are open, by their message: a client may use an id again before its last use has wound down.
   * Each is over, and aborted, when its answer has gone out, when its client has completed a subscription, or when the
   * socket has gone. graphql-ws does not report that a client has completed a query, which goes on until its answer.
   */
  open: Map<SubscribePayload, { over: AbortController; place: Disposable }>;
  /** Its queries go on a few at a time, each until its answer has gone out: those that nobody reads fill no memory. */
  queries: Semaphore;
  /** The same for events of its subscriptions, so that a query that is held does not hold them up. */
  events: Semaphore;
}

/** A subscribe message, and the socket that it came by. */
interface Message {
  owner: SocketOwner;
  id: string;
  payload: SubscribePayload;
}

/** An operation of a socket that has begun. */
interface OpenOperation extends Message {
  /**
   * Aborted when it is over, which frees all that it holds: its events, what it waits for, its place among the queries.
   */
  over: AbortController;
  budget: Budget;
}

type Hooks = Pick<
  ServerOptions<Record<string, unknown>, SocketOwner>,
  'onSubscribe' | 'onComplete' | 'execute' | 'subscribe'
>;

export interface SocketOperations {
  hooks: Hooks;
  /** A socket that has nothing open yet. */
  enter(who: Pick<SocketOwner, 'requestId' | 'identity' | 'client' | 'address' | 'headers' | 'send'>): SocketOwner;
  /** The socket has gone: ends all that it had open. */
  leave(owner: SocketOwner): void;
}

export interface SocketOperationsOptions {
  engine: Engine;
  services: GraphServices;
  budgets: Budgets;
  turns: Turns;
  places: Places;
  /** How many one socket has open at a time. */
  maxOperations: number;
}

/** Of one socket: queries, and events of subscriptions. */
const ANSWERS_AT_ONCE = 4;

/** Browsers cannot give a socket headers: an operation may name its trace among its own extensions. */
function traceOf({ owner, payload: { extensions } }: Message): { readonly [name: string]: unknown } {
  const { traceparent, tracestate } = extensions ?? {};
  // What is read as a header has to be a text, as headers are.
  if (typeof traceparent !== 'string') return owner.headers;
  return typeof tracestate === 'string' ? { traceparent, tracestate } : { traceparent };
}

/**
 * What an operation that comes over a socket does: checked and executed by the engine, its events shared between
 * watchers.
 */
export function createSocketOperations(options: SocketOperationsOptions): SocketOperations {
  const { engine, services, budgets, turns, places, maxOperations } = options;
  const shared = createSharedExecution();
  const prepared = new WeakMap<ExecutionArgs, OpenOperation>();

  function preparedAs(args: ExecutionArgs): OpenOperation {
    const operation = prepared.get(args);
    if (!operation) throw new Error('an operation is begun that was not prepared');
    return operation;
  }

  function end(owner: SocketOwner, payload: SubscribePayload): void {
    const operation = owner.open.get(payload);
    owner.open.delete(payload);
    operation?.over.abort();
    operation?.place[Symbol.dispose]();
  }

  /** The operation, or why it is not begun. A fault in one leaves the others of its socket alone. */
  function prepare({ owner, id, payload }: Message): ExecutionArgs | readonly GraphQLError[] {
    const { requestId, identity, client } = owner;
    if (owner.open.size >= maxOperations) {
      const message = `At most ${maxOperations} operations may be open on a connection.`;
      return engine.refuse({ message, code: 'LIMIT_EXCEEDED' }, { requestId });
    }
    const document = engine.parse(engine.named(payload, requestId) ?? payload.query, requestId);
    const faults = engine.validate(document, requestId);
    if (faults.length) return faults;
    const operation = getOperationAST(document, payload.operationName);
    const refused = { requestId, document, operationName: payload.operationName };
    if (!operation) {
      const message = 'Could not determine what operation to execute.';
      return engine.refuse({ message, code: 'OPERATION_RESOLUTION_FAILURE' }, refused);
    }
    if (operation.operation === 'mutation') {
      const message = 'Mutations are taken over HTTP only: POST them to the same address.';
      return engine.refuse({ message, code: 'FORBIDDEN' }, refused);
    }
    if (!budgets.hasRoom(client)) {
      return engine.refuse({ message: TOO_MUCH_WAITS, code: 'LIMIT_EXCEEDED' }, refused);
    }
    // Each message brings a copy of its own, and graphql-ws keeps the message.
    Object.assign(payload, { query: engine.textOf(document) });
    const { operationName = null, variables: variableValues = null, extensions } = payload;
    const variables = [variableValues, extensions, operationName, id];
    const held = engine.open({ document, variables, connection: owner, client }, requestId);
    const isSubscription = operation.operation === 'subscription';
    const place = places.take(client, isSubscription ? services.plans.boundsOf(identity).subscriptions : undefined);
    if (!place) {
      held[Symbol.dispose]();
      return engine.refuse({ message: 'Too many operations are open.', code: 'LIMIT_EXCEEDED' }, refused);
    }
    const over = new AbortController();
    const budget = budgets.open(client);
    const release = () => {
      held[Symbol.dispose]();
      budget[Symbol.dispose]();
    };
    over.signal.addEventListener('abort', release, { once: true });
    owner.open.set(payload, { over, place });
    const contextValue: GraphContext = { requestId, identity, client, budget, signal: over.signal, services };
    const args = {
      // Not kept: while the operation is open, others may follow it.
      get schema() {
        return engine.schema;
      },
      document,
      operationName,
      variableValues,
      contextValue,
    };
    prepared.set(args, { owner, id, payload, over, budget });
    return args;
  }

  /**
   * Sends a subscription's events by itself and yields nothing: graphql-ws would execute and serialise each of them
   * anew for every watcher. The next event is taken when the last has gone out, so a slow client's events can be left
   * out at the feed.
   */
  function deliver(
    { owner, id, payload, over, budget }: OpenOperation,
    operation: Operation,
    events: AsyncIterable<unknown>,
  ): AsyncGenerator<never, void> {
    const iterator = events[Symbol.asyncIterator]();
    const key = operationKey(payload.query, payload.operationName, payload.variables);
    const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    const done = { done: true, value: undefined } as const;

    async function give(event: object): Promise<void> {
      const permit = owner.events.acquire(over.signal);
      if (permit) await permit;
      try {
        // Its own client's turn, not that of whoever asked first: who has had much of the loop would hold others up.
        if (!shared.isMade(event, key)) {
          await shared.turn(event, key, owner.client, () => turns.take(owner.client, owner));
          if (over.signal.aborted) return;
        }
        const answer = shared.answer(event, key, () => engine.executeEvent(operation, event));
        const body = answer instanceof Promise ? await answer : answer;
        if (over.signal.aborted) return;
        const sending = owner.send(head, body, '}');
        if (sending) await sending;
      } finally {
        owner.events.release();
      }
    }
    /**
     * By graphql-ws, when the client completes it. It counts as open until what is on its way to the client has gone
     * out.
     */
    const leave = async () => {
      over.abort();
      return done;
    };
    return {
      async next() {
        try {
          for (let step = await iterator.next(); !step.done && !over.signal.aborted; step = await iterator.next()) {
            await give(Object(step.value));
            budget.restart();
          }
          return done;
        } catch (error) {
          if (over.signal.aborted) return done;
          throw engine.publicError(error, owner.requestId);
        }
      },
      return: leave,
      throw: leave,
      [Symbol.asyncIterator]() {
        return this;
      },
      [Symbol.asyncDispose]: async () => {
        await leave();
      },
    };
  }

  return {
    hooks: {
      onSubscribe({ extra }, id, payload) {
        try {
          const message = { owner: extra, id, payload };
          return inTraceOf(traceOf(message), () => prepare(message));
        } catch (error) {
          return [engine.publicError(error, extra.requestId)];
        }
      },
      execute(args) {
        const operation = preparedAs(args);
        const { owner, over } = operation;
        const answer = Promise.withResolvers<ExecutionResult>();
        const turn = owner.queries.run(async () => {
          answer.resolve(inTraceOf(traceOf(operation), () => engine.execute(args)));
          if (!over.signal.aborted) await once(over.signal, 'abort');
        }, over.signal);
        // It waited until its socket had gone: nobody hears what it gives.
        turn.catch(() => answer.resolve({}));
        return answer.promise;
      },
      async subscribe(args) {
        const operation = preparedAs(args);
        const events = await inTraceOf(traceOf(operation), () => engine.source(args));
        return Symbol.asyncIterator in events ? deliver(operation, args, events) : events;
      },
      onComplete: ({ extra }, _id, payload) => end(extra, payload),
    },
    enter: (who) => ({
      ...who,
      open: new Map(),
      queries: createSemaphore({ atOnce: ANSWERS_AT_ONCE, waiting: maxOperations }),
      events: createSemaphore({ atOnce: ANSWERS_AT_ONCE, waiting: maxOperations }),
    }),
    leave(owner) {
      for (const payload of owner.open.keys()) end(owner, payload);
    },
  };
}
