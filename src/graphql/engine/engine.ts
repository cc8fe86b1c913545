import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  isInputType,
  specifiedRules,
  typeFromAST,
  type ValidationContext,
  ValuesOfCorrectTypeRule,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { conditionalRoots } from './conditional-roots.ts';
import { type DocumentLimits, defaultDocumentLimits, parseDocument } from './document-limits.ts';
import { inputError, publicError } from './errors.ts';
import { hasTooManyFields, inputIssues } from './input-issues.ts';
import { mapEvents } from './map-events.ts';

/** One operation: `variableValues` as they were sent, `contextValue` a GraphContext. */
export type Operation = Omit<ExecutionArgs, 'schema'>;

/**
 * Parsing, validation and execution as both transports use them: within limits, with every error as the public may see it, and
 * what is not for the public logged once.
 */
export interface Engine {
  schema: GraphQLSchema;
  /** Throws a GraphQLError. Documents that came before are kept. `requestId`: of whoever sent it. */
  parse(text: string, requestId?: string): DocumentNode;
  validate(document: DocumentNode, requestId?: string): readonly GraphQLError[];
  execute(operation: Operation): Promise<ExecutionResult> | ExecutionResult;
  /** The events of a subscription before they are executed, or why there are none. */
  source(operation: Operation): Promise<AsyncIterable<unknown> | ExecutionResult>;
  /** A subscription's results, or why there are none. What its source throws comes out as a public error. */
  subscribe(operation: Operation): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;
  /** Executes one event of a subscription. */
  executeEvent(operation: Operation, event: unknown): Promise<ExecutionResult> | ExecutionResult;
  publicError(error: unknown, requestId?: string): GraphQLError;
  /** Told of what a transport does not begin, for a reason of its own. Gives the errors back. */
  refused(errors: readonly GraphQLError[], what: RefusedOperation): readonly GraphQLError[];
}

export interface RefusedOperation {
  requestId: string;
  /** Once it is known. */
  document?: DocumentNode;
  operationName?: string | null | undefined;
}

export interface EngineOptions {
  schema: GraphQLSchema;
  log: Logger;
  limits?: DocumentLimits;
}

/** Characters of documents whose trees are kept, each of which takes some fifty times its text: about 50 MB at most. */
const MAX_CACHED_CHARACTERS = 1_000_000;

export function createEngine({ schema, log, limits = defaultDocumentLimits }: EngineOptions): Engine {
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: MAX_CACHED_CHARACTERS,
    sizeCalculation: (_document, text) => text.length,
  });
  const validated = new WeakMap<DocumentNode, readonly GraphQLError[]>();

  function present(error: unknown, requestId?: string): GraphQLError {
    return publicError(error, (cause) =>
      log.error({ requestId, err: unwrap(cause) }, 'unexpected error in an operation'),
    );
  }

  function findFaults(document: DocumentNode): readonly GraphQLError[] {
    const conditional = conditionalRoots(document);
    if (conditional.length) return conditional;
    const valueErrors = new Set<GraphQLError>();
    const valueRule = (context: ValidationContext) => {
      // The rule sees a context that also tells which errors are its own.
      const telling: ValidationContext = Object.create(context, {
        reportError: {
          value: (error: GraphQLError) => {
            valueErrors.add(error);
            context.reportError(error);
          },
        },
      });
      return ValuesOfCorrectTypeRule(telling);
    };
    const rules = specifiedRules.map((rule) => (rule === ValuesOfCorrectTypeRule ? valueRule : rule));
    const errors = validate(schema, document, rules);
    const faults = errors
      .filter((error) => !valueErrors.has(error))
      .map(
        ({ message, nodes = null }) =>
          new GraphQLError(message, { nodes, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
      );
    if (valueErrors.size === 0) return faults;
    return [inputError(inputIssues({ schema, document, variables: null, errors: [...valueErrors] })), ...faults];
  }

  /** Errors of a request that never began to execute are the caller's: its variables, or the operation's name. */
  function requestErrors(operation: Operation, errors: readonly GraphQLError[]): readonly GraphQLError[] {
    const { document, operationName, variableValues } = operation;
    const chosen = getOperationAST(document, operationName);
    if (!chosen) {
      return errors.map(
        ({ message }) => new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }),
      );
    }
    const variables = { ...variableValues };
    return [inputError(inputIssues({ schema, document, operation: chosen, variables, errors }))];
  }

  function presentResult(operation: Operation, result: ExecutionResult): ExecutionResult {
    if (!result.errors) return result;
    if (!('data' in result)) return { ...result, errors: requestErrors(operation, result.errors) };
    return { ...result, errors: result.errors.map((error) => present(error, requestIdIn(operation))) };
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
    return [inputError(inputIssues({ schema, document, operation: chosen, variables, errors: [] }))];
  }

  function run(operation: Operation, rootValue: unknown): Promise<ExecutionResult> | ExecutionResult {
    const result = execute({ ...operation, schema, rootValue });
    return result instanceof Promise
      ? result.then((settled) => presentResult(operation, settled))
      : presentResult(operation, result);
  }

  async function source(operation: Operation): Promise<AsyncIterable<unknown> | ExecutionResult> {
    const flood = floodErrors(operation);
    if (flood) return { errors: flood };
    let result: AsyncIterable<unknown> | ExecutionResult;
    try {
      result = await createSourceEventStream({ ...operation, schema });
    } catch (error) {
      return { errors: [present(error, requestIdIn(operation))] };
    }
    if (Symbol.asyncIterator in result) return result;
    const errors = result.errors ?? [];
    // A variable that is wrong has no path, an error of the subscription's resolver has.
    if (errors.every((error) => error.path === undefined)) return { errors: requestErrors(operation, errors) };
    return { errors: errors.map((error) => present(error, requestIdIn(operation))) };
  }

  return {
    schema,
    parse(text) {
      const known = documents.get(text);
      if (known) return known;
      const document = parseDocument(text, limits);
      documents.set(text, document);
      return document;
    },
    validate(document) {
      const known = validated.get(document);
      if (known) return known;
      const faults = findFaults(document);
      validated.set(document, faults);
      return faults;
    },
    execute(operation) {
      const flood = floodErrors(operation);
      return flood ? { errors: flood } : run(operation, undefined);
    },
    source,
    subscribe: subscribeBy({ source, executeEvent: run, publicError: present }),
    executeEvent: run,
    publicError: present,
    refused: (errors) => errors,
  };
}

/** A subscription whose events are executed one by one. */
export function subscribeBy({
  source,
  executeEvent,
  publicError,
}: Pick<Engine, 'source' | 'executeEvent' | 'publicError'>): Engine['subscribe'] {
  return async (operation) => {
    const events = await source(operation);
    if (!(Symbol.asyncIterator in events)) return events;
    return mapEvents(
      events,
      (event) => executeEvent(operation, event),
      (error) => publicError(error, requestIdIn(operation)),
    );
  };
}

/** Aborted when the client has left. */
export function signalIn({ contextValue }: Operation): AbortSignal | undefined {
  const known = typeof contextValue === 'object' && contextValue !== null && 'signal' in contextValue;
  return known && contextValue.signal instanceof AbortSignal ? contextValue.signal : undefined;
}

export function requestIdIn({ contextValue }: Operation): string | undefined {
  const known = typeof contextValue === 'object' && contextValue !== null && 'requestId' in contextValue;
  return known && typeof contextValue.requestId === 'string' ? contextValue.requestId : undefined;
}

function unwrap(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? error.originalError : error;
}
