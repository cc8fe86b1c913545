import type { PromptQueue } from '../execution/prompt-queue.ts';
import type { FaultHandle } from '../faults.ts';
import { isRecord } from '../protocol/json.ts';
import { repr } from '../protocol/python.ts';
import { type Answer, type Exchange, json, jsonBody } from './exchange.ts';
import { findJob, isJobStatus, type JobQuery, jobStatuses, listJobs } from './jobs-view.ts';
import { isCanonicalUuid } from './prompt-routes.ts';
import { historyFault } from './queue-routes.ts';
import type { Routes } from './router.ts';

export interface JobRouteParts {
  faults: FaultHandle;
  queue: PromptQueue;
  interrupt: () => void;
}

/** /api/jobs and its cancel endpoints. They exist below /api only. */
export function jobRoutes({ faults, queue, interrupt }: JobRouteParts): Routes {
  function cancel(id: string): boolean {
    if (queue.running?.promptId === id) {
      interrupt();
      return true;
    }
    return queue.remove(id);
  }

  return [
    {
      method: 'GET',
      path: '/jobs',
      only: 'api',
      handle: ({ query }) => {
        const parsed = jobQuery(query);
        if ('status' in parsed) return parsed;
        const { jobs, total } = listJobs(queue, parsed);
        const { limit = null, offset } = parsed;
        return json({ jobs, pagination: { offset, limit, total, has_more: offset + jobs.length < total } });
      },
    },
    {
      method: 'GET',
      path: /^\/jobs\/([^/]+)$/,
      only: 'api',
      handle: ({ params: [id = ''] }) => {
        const ended = queue.history.has(id);
        const failed = ended ? historyFault(faults, queue, id) : undefined;
        if (failed) return failed;
        const job = ended && faults.strikes('hideHistory') ? undefined : findJob(queue, id);
        return job ? json(job) : json({ error: 'Job not found' }, 404);
      },
    },
    { method: 'POST', path: '/jobs/cancel', only: 'api', handle: (exchange) => cancelMany(exchange, cancel) },
    {
      method: 'POST',
      path: /^\/jobs\/([^/]+)\/cancel$/,
      only: 'api',
      handle: ({ params: [id = ''] }) => json({ cancelled: cancel(id) }),
    },
  ];
}

function refused(error: string): Answer {
  return json({ error }, 400);
}

async function cancelMany(exchange: Exchange, cancel: (id: string) => boolean): Promise<Answer> {
  let body: unknown;
  try {
    body = await jsonBody(exchange);
  } catch (error) {
    if (error instanceof SyntaxError) return refused('Request body must be valid JSON');
    throw error;
  }
  const ids = isRecord(body) ? body.job_ids : undefined;
  if (!Array.isArray(ids)) return refused('job_ids must be a list');
  const invalid = ids.filter((id) => !isCanonicalUuid(id)).map((id) => (typeof id === 'string' ? id : repr(id)));
  if (invalid.length > 0) return json({ error: 'job_ids contains invalid id(s)', invalid_ids: invalid }, 400);
  const outcomes = ids.map((id) => cancel(String(id)));
  return json({ cancelled: outcomes.includes(true) });
}

function jobQuery(query: URLSearchParams): JobQuery | Answer {
  const names = (query.get('status') ?? '').split(',').map((status) => status.trim().toLowerCase());
  const statuses = names.filter((status) => status !== '');
  const unknown = statuses.filter((status) => !isJobStatus(status));
  if (unknown.length > 0) {
    return refused(`Invalid status value(s): ${unknown.join(', ')}. Valid values: ${jobStatuses.join(', ')}`);
  }
  const sortBy = (query.get('sort_by') ?? 'created_at').toLowerCase();
  if (sortBy !== 'created_at' && sortBy !== 'execution_duration') {
    return refused("sort_by must be 'created_at' or 'execution_duration'");
  }
  const order = (query.get('sort_order') ?? 'desc').toLowerCase();
  if (order !== 'asc' && order !== 'desc') return refused("sort_order must be 'asc' or 'desc'");
  const limit = query.get('limit');
  if (limit !== null && !isInteger(limit)) return refused('limit must be an integer');
  if (limit !== null && Number(limit) <= 0) return refused('limit must be a positive integer');
  const offset = query.get('offset') ?? '0';
  if (!isInteger(offset)) return refused('offset must be an integer');
  return {
    statuses: statuses.length > 0 ? statuses.filter(isJobStatus) : jobStatuses,
    workflowId: query.get('workflow_id') ?? undefined,
    sortBy,
    descending: order === 'desc',
    limit: limit === null ? undefined : Number(limit),
    offset: Math.max(0, Number(offset)),
  };
}

function isInteger(text: string): boolean {
  return /^\s*[+-]?\d+\s*$/.test(text);
}
