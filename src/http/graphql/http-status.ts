import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { LimitState, LimitUse } from '../../core/limits.ts';

/** What an answer is told besides its result. */
export interface AnswerContext {
  /** What the request has used of its caller's limits: what was left last, and the GPU time of all its jobs. */
  limitUse: { last: LimitUse | null; gpuMs: number };
}

/** Keeps what a request has used of its caller's limits, for its answer. */
export function noteLimits(): AnswerContext & { onLimits: (use: LimitUse) => void } {
  const limitUse: AnswerContext['limitUse'] = { last: null, gpuMs: 0 };
  return {
    limitUse,
    onLimits(use) {
      limitUse.last = use;
      limitUse.gpuMs += use.gpuMs;
    },
  };
}

export function isResult(result: unknown): result is ExecutionResult {
  return typeof result === 'object' && result !== null && !(Symbol.asyncIterator in result) && !Array.isArray(result);
}

/** Whether nothing was found out: no data, or every field of it null. */
function isEmpty({ data }: ExecutionResult): boolean {
  return !data || Object.values(data).every((value) => value === null);
}

/** What a request is answered with that nothing came of, by the code of its error. */
const STATUSES = new Map<unknown, number>([
  ['UNAUTHENTICATED', 401],
  ['RATE_LIMITED', 429],
  ['QUOTA_EXCEEDED', 429],
  ['UNAVAILABLE', 503],
]);

/** What a client is to do then: bring other credentials, or wait. */
function adviceFor({ extensions: { code, retryAfter } }: GraphQLError): { [name: string]: string } {
  if (code === 'UNAUTHENTICATED') return { 'WWW-Authenticate': 'Bearer' };
  return { 'Retry-After': String(Math.ceil(Number(retryAfter))) };
}

/** How an answer over HTTP says what came of a request. */
export interface Outcome {
  /** Whether it got so far as to execute anything. */
  hasBegun: boolean;
  status: number;
  headers: { [name: string]: string };
  /** `extensions.cost`, of one that has used a limit. */
  cost?: object;
}

/**
 * 400 for a request that could not begin; where nothing came of one, 503 since a part is down, 429 since its caller's
 * limits refused it, or 401 since its caller's key has ended while it waited. What it has used of the limits is told
 * whatever came of it.
 */
export function outcomeOf(result: ExecutionResult, { last, gpuMs }: AnswerContext['limitUse']): Outcome {
  const { errors } = result;
  if (errors?.length && !('data' in result)) return { hasBegun: false, status: 400, headers: {} };
  const refused =
    errors && isEmpty(result) ? errors.find(({ extensions }) => STATUSES.has(extensions.code)) : undefined;
  const status = STATUSES.get(refused?.extensions.code) ?? 200;
  const advice = refused ? adviceFor(refused) : {};
  if (!last) return { hasBegun: true, status, headers: advice };
  return { hasBegun: true, status, headers: { ...advice, ...rateLimitHeaders(last.left) }, cost: costOf(last, gpuMs) };
}

/** Has Yoga answer so. */
export function useHttpStatus(): Plugin<AnswerContext, AnswerContext> {
  return {
    onExecutionResult({ result, setResult, context: { limitUse } }) {
      if (!isResult(result)) return;
      const { hasBegun, cost, ...outcome } = outcomeOf(result, limitUse);
      if (hasBegun) return setResult({ ...result, extensions: { ...(cost && { cost }), http: outcome } });
      const shown = result.errors?.map(({ message, nodes = null, source = null, positions = null, extensions }) => {
        const http = extensions.http ?? { spec: true, status: outcome.status };
        return new GraphQLError(message, { nodes, source, positions, extensions: { ...extensions, http } });
      });
      setResult({ ...result, ...(shown && { errors: shown }) });
    },
  };
}

/** What the jobs that were made are likely to take, and what is left; see docs/limits.md. */
function costOf({ left }: LimitUse, gpuMs: number): object {
  const remaining = Object.fromEntries(left.map(({ name, remaining }) => [name, remaining]));
  return { gpuSeconds: { estimated: gpuMs / 1000 }, remaining };
}

/**
 * The headers of draft-ietf-httpapi-ratelimit-headers-11: structured lists whose items are the names of limits, as
 * strings. What is counted in no window, as jobs that wait are, has none.
 */
function rateLimitHeaders(states: readonly LimitState[]): { [name: string]: string } {
  if (states.length === 0) return {};
  const policies = states.map(({ name, limit, periodMs }) => {
    return `"${name}";q=${Math.floor(limit)}${periodMs === null ? '' : `;w=${periodMs / 1000}`}`;
  });
  const limits = states.map(({ name, remaining, resetsInMs }) => {
    return `"${name}";r=${Math.floor(remaining)}${resetsInMs === null ? '' : `;t=${Math.ceil(resetsInMs / 1000)}`}`;
  });
  return { 'RateLimit-Policy': policies.join(', '), RateLimit: limits.join(', ') };
}
