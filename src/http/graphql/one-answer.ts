import { type ExecutionResult, getOperationAST } from 'graphql';
import type { GraphQLParams } from 'graphql-yoga';
import { isObject } from '../../core/objects.ts';
import type { GraphContext } from '../../graphql/context.ts';
import type { Engine } from '../../graphql/engine/engine.ts';
import { type Operation, turnOf } from '../../graphql/engine/operation.ts';
import { JSON_TYPES, PLAIN_JSON } from './acceptable-types.ts';
import { type AnswerContext, outcomeOf } from './http-status.ts';

/** An answer in one piece. */
export interface OneAnswer {
  status: number;
  headers: { [name: string]: string };
  text: string;
}

/**
 * The short way of most requests: what a POST asks for, and one answer in JSON. It says what Yoga would say, in a fourth
 * of its time. Null: Yoga is to answer, since a parameter is wrong, the document has no operation of that name, it is a
 * subscription, or the client takes no JSON.
 */
export type AnswerOnce = (
  params: { [name: string]: unknown },
  types: readonly string[],
  context: GraphContext & AnswerContext,
) => Promise<OneAnswer | null>;

export function createOneAnswer(engine: Engine): AnswerOnce {
  async function resultOf({ query = '', operationName, variables }: GraphQLParams, context: GraphContext) {
    try {
      const document = engine.parse(query, context.requestId);
      const chosen = getOperationAST(document, operationName);
      if (!chosen || chosen.operation === 'subscription') return null;
      const faults = engine.validate(document, context.requestId);
      if (faults.length > 0) return { errors: faults };
      const operation = { document, contextValue: context, variableValues: variables, operationName };
      const result = await executeInTurn(engine, operation, context);
      // Yoga presents them once more, which cuts what their messages echo.
      return result.errors ? { ...result, errors: result.errors.map((error) => engine.publicError(error)) } : result;
    } catch (error) {
      return { errors: [engine.publicError(error)] };
    }
  }

  return async (params, types, context) => {
    const type = types.find((each) => JSON_TYPES.includes(each));
    if (type === undefined || !areParams(params)) return null;
    const result = await resultOf(params, context);
    if (!result) return null;
    const { hasBegun, status, headers, cost } = outcomeOf(result, context.limitUse);
    return {
      // Of plain JSON a client may look at nothing behind another status.
      status: hasBegun || type !== PLAIN_JSON ? status : 200,
      headers: { 'Content-Type': type, ...headers },
      text: JSON.stringify(cost ? { ...result, extensions: { cost } } : result),
    };
  };
}

const PARAMETERS = new Set(['query', 'variables', 'operationName', 'extensions']);

/** Whether all parameters are known and of their types; that of `operationName` has been checked. */
function areParams(params: { [name: string]: unknown }): params is { query: string } {
  const isMap = (value: unknown) => value == null || isObject(value);
  if (typeof params.query !== 'string' || !isMap(params.variables) || !isMap(params.extensions)) return false;
  return Object.entries(params).every(([name, value]) => value == null || PARAMETERS.has(name));
}

/** An answer of so much takes as long to write as all else of most requests. */
const LARGE_BYTES = 64 * 1024;

/**
 * Executes a query or a mutation. What has waited for others has come in nobody's turn, and to write a large answer
 * takes many milliseconds: that waits for one.
 */
export function executeInTurn(
  engine: Engine,
  operation: Operation,
  { budget }: GraphContext,
): Promise<ExecutionResult> | ExecutionResult {
  const result = engine.execute(operation);
  if (!(result instanceof Promise)) return result;
  return result.then(async (settled) => {
    if (budget.answerBytes() > LARGE_BYTES) await turnOf(operation);
    return settled;
  });
}
