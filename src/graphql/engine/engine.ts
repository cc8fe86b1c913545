import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  isInputType,
  typeFromAST,
} from 'graphql';
import type { Logger } from 'pino';
import { excerpt } from '../../core/errors.ts';
import type { OperationObserver } from '../../observability/operation-observer.ts';
import { createCostOf } from './document-cost.ts';
import { costsTooMuch, type DocumentLimits, defaultDocumentLimits } from './document-limits.ts';
import { createDocuments } from './documents.ts';
import { inputError, publicError } from './errors.ts';
import { hasTooManyFields, inputIssues } from './input-issues.ts';
import { mapEvents } from './map-events.ts';
import { createObservation, noObservation } from './observation.ts';
import { createOpenOperations, type OpenOperation } from './open-operations.ts';
import { clientIn, endOf, type Operation, type RefusedOperation, requestIdIn, signalIn, turnOf } from './operation.ts';
import { createPersistedDocuments, type NamingRequest, type PersistedOptions } from './persisted-documents.ts';
import { createValidation } from './validation.ts';

/**
 * Parsing, validation and execution as both transports use them: within limits, with every error as the public may see
 * it, and what is not for the public logged once.
 */
export interface Engine {
  /** As it is now. */
  readonly schema: GraphQLSchema;
  /**
   * From now on operations are those of this schema, whose types may differ in what the workflows take. What is being
   * executed ends with the schema that it began with; an operation that has been validated and not begun is validated
   * again.
   */
  use(schema: GraphQLSchema): void;
  /**
   * The text of the document that a request names by its hash; null where it names none, or one that is not known while
   * it brings a text as well. Throws a GraphQLError, see persisted-documents.ts.
   */
  named(request: NamingRequest, requestId?: string): string | null;
  /** Throws a GraphQLError. Documents that came lately are kept. `requestId`: of whoever sent it. */
  parse(text: string, requestId?: string): DocumentNode;
  /** The text of what was parsed here, in the one copy that is kept. */
  textOf(document: DocumentNode): string;
  validate(document: DocumentNode, requestId?: string): readonly GraphQLError[];
  /** Counts what an operation of a socket holds, see open-operations.ts. Throws a GraphQLError. */
  open(operation: OpenOperation, requestId: string): Disposable;
  execute(operation: Operation): Promise<ExecutionResult> | ExecutionResult;
  /**
   * The events of a subscription before they are executed, or why there are none. They end when the client has left,
   * also where nobody has begun to read them.
   */
  source(operation: Operation): Promise<AsyncIterable<unknown> | ExecutionResult>;
  /**
   * A subscription's results, or why there are none. What its source throws comes out as a public error. What it holds
   * is counted until it ends. `present` changes the result of an event.
   */
  subscribe(operation: Operation, present?: Present): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;
  /** Executes one event of a subscription. */
  executeEvent(operation: Operation, event: unknown): Promise<ExecutionResult> | ExecutionResult;
  publicError(error: unknown, requestId?: string): GraphQLError;
  /** What a transport answers to an operation that it does not begin, for a reason of its own. */
  refuse(reason: { message: string; code: string }, operation: RefusedOperation): readonly GraphQLError[];
}

type Present = (result: ExecutionResult, event: unknown) => ExecutionResult;

export interface EngineOptions {
  schema: GraphQLSchema;
  log: Logger;
  limits?: DocumentLimits;
  /** Whether a document may ask for the schema, and faults hint at what is in it. Default true. */
  introspection?: boolean | undefined;
  /** Documents that are named by their hash. Default: there are none. */
  persisted?: PersistedOptions | undefined;
  /** Follows all operations, those that are refused included. Default: nobody does. */
  observer?: OperationObserver | undefined;
}

export function createEngine(options: EngineOptions): Engine {
  const { log, limits = defaultDocumentLimits, introspection = true, observer } = options;
  let { schema } = options;
  const documents = createDocuments(limits);
  const persisted = createPersistedDocuments(options.persisted);
  const openOperations = createOpenOperations(documents);
  let validateNew = createValidation(schema, introspection);
  let costOf = createCostOf(schema);
  const observation = observer ? createObservation(schema, observer) : noObservation;

  function present(error: unknown, requestId?: string): GraphQLError {
    return publicError(error, (cause) =>
      log.error({ requestId, err: unwrap(cause) }, 'unexpected error in an operation'),
    );
  }

  /** Those of resolvers. */
  function presentAll(operation: Operation, errors: readonly GraphQLError[]): readonly GraphQLError[] {
    const shown = errors.map((error) => present(error, requestIdIn(operation)));
    return documents.place(operation.document, shown);
  }

  /** Errors of a request that never began to execute are the caller's: its variables, or the operation's name. */
  function requestErrors(operation: Operation, errors: readonly GraphQLError[]): readonly GraphQLError[] {
    const { document, operationName, variableValues } = operation;
    const chosen = getOperationAST(document, operationName);
    if (!chosen) {
      return errors.map(
        ({ message }) => new GraphQLError(excerpt(message), { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }),
      );
    }
    const variables = { ...variableValues };
    return [inputError(inputIssues({ schema, document, operation: chosen, variables, errors, hints: introspection }))];
  }

  function presentResult(operation: Operation, result: ExecutionResult): ExecutionResult {
    if (!result.errors) return result;
    if (!('data' in result)) return { ...result, errors: requestErrors(operation, result.errors) };
    return { ...result, errors: presentAll(operation, result.errors) };
  }

  /** A valid document is looked at only once for each schema. */
  const validate = (document: DocumentNode) => validateNew(document, () => documents.located(document));

  /** Why an operation is not begun, where the schema has changed while it waited. */
  function changedErrors({ document }: Operation): readonly GraphQLError[] | null {
    const faults = validate(document);
    return faults.length ? faults : null;
  }

  /** What is refused before graphql-js coerces the variables. */
  function floodErrors({ document, operationName, variableValues }: Operation): readonly GraphQLError[] | null {
    const variables = { ...variableValues };
    const chosen = getOperationAST(document, operationName);
    const flooded = chosen?.variableDefinitions?.some((definition) => {
      const type = typeFromAST(schema, definition.type);
      return isInputType(type) && hasTooManyFields(type, variables[definition.variable.name.value]);
    });
    if (!chosen || !flooded) return null;
    return [
      inputError(inputIssues({ schema, document, operation: chosen, variables, errors: [], hints: introspection })),
    ];
  }

  /** What would be too much work for one call. */
  function costErrors(operation: Operation): readonly GraphQLError[] | null {
    const cost = costOf(operation);
    return cost > limits.maxCost ? [costsTooMuch(cost, limits.maxCost)] : null;
  }

  /** Why an operation is not begun; null: it may be. */
  const refusal = (operation: Operation) => changedErrors(operation) ?? floodErrors(operation) ?? costErrors(operation);

  function run(operation: Operation, rootValue: unknown): Promise<ExecutionResult> | ExecutionResult {
    const result = execute({ ...operation, schema, rootValue, hideSuggestions: !introspection });
    return result instanceof Promise
      ? result.then((settled) => presentResult(operation, settled))
      : presentResult(operation, result);
  }

  async function openSource(operation: Operation): Promise<AsyncIterable<unknown> | ExecutionResult> {
    const refused = refusal(operation);
    if (refused) return { errors: refused };
    let result: AsyncIterable<unknown> | ExecutionResult;
    try {
      result = await createSourceEventStream({ ...operation, schema, hideSuggestions: !introspection });
    } catch (error) {
      return { errors: [present(error, requestIdIn(operation))] };
    }
    if (Symbol.asyncIterator in result) return result;
    const errors = result.errors ?? [];
    // A variable that is wrong has no path, an error of the subscription's resolver has.
    if (errors.every((error) => error.path === undefined)) return { errors: requestErrors(operation, errors) };
    return { errors: presentAll(operation, errors) };
  }

  async function source(operation: Operation): Promise<AsyncIterable<unknown> | ExecutionResult> {
    const events = await observation.source(operation, () => openSource(withOwnContext(operation)));
    return Symbol.asyncIterator in events ? untilLeft(events, signalIn(operation)) : events;
  }

  /** What is thrown before there is an operation is told to who follows them. */
  function orRefused<T>(requestId: string | undefined, act: () => T): T {
    const began = performance.now();
    try {
      return act();
    } catch (error) {
      observation.refused({ requestId }, [error], began);
      throw error;
    }
  }

  function open(operation: OpenOperation, requestId: string | undefined): Disposable {
    const began = performance.now();
    try {
      return openOperations.open(operation);
    } catch (error) {
      const shown = present(error, requestId);
      observation.refused({ document: operation.document, requestId }, [shown], began);
      throw shown;
    }
  }

  async function subscribe(
    operation: Operation,
    presentEvent: Present = (result) => result,
  ): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
    const { document, variableValues } = operation;
    const requestId = requestIdIn(operation);
    let held: Disposable;
    try {
      const counted = { document, variables: [variableValues], connection: operation, client: clientIn(operation) };
      held = open(counted, requestId);
    } catch (error) {
      return { errors: [present(error, requestId)] };
    }
    const release = () => held[Symbol.dispose]();
    signalIn(operation)?.addEventListener('abort', release, { once: true });
    const events = await source(operation);
    if (!(Symbol.asyncIterator in events)) {
      release();
      return events;
    }
    return mapEvents(events, {
      async map(event) {
        await turnOf(operation);
        return presentEvent(await run(withOwnContext(operation), event), event);
      },
      why: () => endOf(operation),
      mapError: (error) => present(error, requestId),
      ended: release,
    });
  }

  return {
    get schema() {
      return schema;
    },
    use(next) {
      schema = next;
      validateNew = createValidation(next, introspection);
      costOf = createCostOf(next);
    },
    named: (request, requestId) => orRefused(requestId, () => persisted.named(request)),
    parse: (text, requestId) =>
      orRefused(requestId, () => {
        persisted.check(text);
        return documents.parse(text);
      }),
    textOf: (document) => documents.of(document).text,
    open,
    validate(document, requestId) {
      const began = performance.now();
      const faults = validate(document);
      if (faults.length) observation.refused({ document, requestId }, faults, began);
      return faults;
    },
    execute: (operation) =>
      observation.execute(operation, () => {
        const refused = refusal(operation);
        return refused ? { errors: refused } : run(operation, undefined);
      }),
    source,
    subscribe,
    executeEvent: (operation, event) => run(withOwnContext(operation), event),
    publicError: present,
    refuse({ message, code }, operation) {
      const errors = [new GraphQLError(message, { extensions: { code } })];
      observation.refused(operation, errors, performance.now());
      return errors;
    },
  };
}

/**
 * For one step of a subscription, so that what is remembered with a context, as the plugin for scopes does, goes with
 * that step. A watcher who waits for days would keep two kilobytes of it.
 */
function withOwnContext(operation: Operation): Operation {
  return { ...operation, contextValue: Object.assign({}, operation.contextValue) };
}

/** Ends the events once the signal aborts, or at once where it has. */
function untilLeft(events: AsyncIterable<unknown>, signal: AbortSignal | undefined): AsyncIterable<unknown> {
  const iterator = events[Symbol.asyncIterator]();
  const leave = () => void iterator.return?.();
  if (signal?.aborted) leave();
  else signal?.addEventListener('abort', leave, { once: true });
  return { [Symbol.asyncIterator]: () => iterator };
}

function unwrap(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? error.originalError : error;
}
