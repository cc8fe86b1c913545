import { type PromptQueue, shown } from '../execution/prompt-queue.ts';
import type { FaultHandle } from '../faults.ts';
import { isRecord, toJson } from '../protocol/json.ts';
import { PythonError, toBool, toInt, typeName } from '../protocol/python.ts';
import { type Answer, type Exchange, empty, json, jsonBody, jsonType, serverError } from './exchange.ts';
import type { Routes } from './router.ts';

export interface QueueRouteParts {
  faults: FaultHandle;
  queue: PromptQueue;
  interrupt: () => void;
  /** Clears the result cache after the running prompt when `dropCache` is set. There are no models to unload. */
  free: (dropCache: boolean) => void;
}

/** /queue, /interrupt, /history and /free. */
export function queueRoutes({ faults, queue, interrupt, free }: QueueRouteParts): Routes {
  return [
    {
      method: 'GET',
      path: '/queue',
      handle: () =>
        json({
          queue_running: queue.running ? [shown(queue.running)] : [],
          queue_pending: queue.pending.map(shown),
        }),
    },
    {
      method: 'POST',
      path: '/queue',
      async handle(exchange) {
        const body = await objectBody(exchange);
        if (toBool(body.clear)) queue.clear();
        for (const id of idsOf(body.delete)) queue.remove(id);
        return empty();
      },
    },
    {
      method: 'POST',
      path: '/interrupt',
      async handle(exchange) {
        const body = await tolerantBody(exchange);
        const wanted = body.prompt_id;
        if (!wanted || queue.running?.promptId === wanted) interrupt();
        return empty();
      },
    },
    {
      method: 'GET',
      path: '/history',
      handle: (exchange) => historyFault(faults, queue) ?? listHistory(exchange, queue, faults),
    },
    {
      method: 'GET',
      path: /^\/history\/([^/]+)$/,
      handle: ({ params: [id = ''] }) => {
        const failed = historyFault(faults, queue, id);
        if (failed) return failed;
        const entry = queue.history.get(id);
        const isShown = entry && !faults.strikes('hideHistory');
        return historyAnswer(isShown ? { [id]: entry } : {}, faults);
      },
    },
    {
      method: 'POST',
      path: '/history',
      async handle(exchange) {
        const body = await objectBody(exchange);
        if (toBool(body.clear)) queue.clearHistory();
        for (const id of idsOf(body.delete)) queue.deleteHistory(id);
        return empty();
      },
    },
    {
      method: 'POST',
      path: '/free',
      async handle(exchange) {
        const body = await objectBody(exchange);
        free(toBool(body.free_memory));
        return empty();
      },
    },
  ];
}

/** The error that a fault gives to whatever reads history; undefined without one. */
export function historyFault(faults: FaultHandle, queue: PromptQueue, promptId?: string): Answer | undefined {
  const status = faults.current.historyStatus ?? (queue.isPoisoned(promptId) ? 500 : null);
  return status === null ? undefined : { ...serverError(), status };
}

/** Oldest first. `max_items` alone gives the newest ones, with `offset` those from there. */
function listHistory({ query }: Exchange, queue: PromptQueue, faults: FaultHandle): Answer {
  const most = queryInt(query, 'max_items');
  const offset = queryInt(query, 'offset') ?? -1;
  if (faults.strikes('hideHistory')) return json({});
  const entries = [...queue.history];
  const start = Math.max(0, offset < 0 && most !== undefined ? entries.length - most : offset);
  const end = most === undefined ? undefined : start + Math.max(0, most);
  return historyAnswer(Object.fromEntries(entries.slice(start, end)), faults);
}

function historyAnswer(entries: Record<string, unknown>, faults: FaultHandle): Answer {
  if (!faults.current.nanInHistory) return json(entries);
  const text = toJson(entries).replaceAll('"outputs":{', '"outputs":{"nan":{"score":[NaN]},').replaceAll(',}', '}');
  return { status: 200, headers: { 'content-type': jsonType }, body: text };
}

/** @throws PythonError on text that is no number, which the real server answers with 500. */
function queryInt(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  return value === null ? undefined : Number(toInt(value));
}

async function objectBody(exchange: Exchange): Promise<Record<string, unknown>> {
  const body = await jsonBody(exchange);
  if (isRecord(body)) return body;
  if (Array.isArray(body)) return {};
  throw new PythonError('TypeError', `argument of type '${typeName(body)}' is not iterable`);
}

/** Only /interrupt reads a broken or empty body as `{}`. */
async function tolerantBody(exchange: Exchange): Promise<Record<string, unknown>> {
  let body: unknown;
  try {
    body = await jsonBody(exchange);
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
  if (isRecord(body)) return body;
  throw new PythonError('AttributeError', `'${typeName(body)}' object has no attribute 'get'`);
}

function idsOf(value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new PythonError('TypeError', `'${typeName(value)}' object is not iterable`);
  return value.filter((id): id is string => typeof id === 'string');
}
