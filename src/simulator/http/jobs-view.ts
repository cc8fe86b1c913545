import type { HistoryEntry, PromptQueue, QueueItem } from '../execution/prompt-queue.ts';
import { isRecord } from '../protocol/json.ts';

/** A record of `/api/jobs`. Keys without a value are left out. */
export type JobRecord = Record<string, unknown>;

export const jobStatuses = ['pending', 'in_progress', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

const previewableKinds = new Set(['images', 'video', 'audio', '3d', 'text']);
const shapeFile = /\.(obj|fbx|gltf|glb|usdz)$/i;
const textFile = /\.(txt|md|json)$/i;
/** Longer texts are cut in `preview_output`. */
const maxPreviewText = 1024;

export function isJobStatus(value: string): value is JobStatus {
  return (jobStatuses as readonly string[]).includes(value);
}

/** A prompt that waits or runs. */
function queuedJob(item: QueueItem, status: 'pending' | 'in_progress'): JobRecord {
  return pruned({
    id: item.promptId,
    status,
    priority: item.number,
    create_time: item.extraData.create_time,
    outputs_count: 0,
    previewable_outputs_count: 0,
    workflow_id: workflowId(item.extraData),
  });
}

/** A prompt that has ended; with `detail` also its outputs, messages and workflow. */
function endedJob(promptId: string, entry: HistoryEntry, detail: boolean): JobRecord {
  const [priority, , prompt, extraData] = entry.prompt;
  const messages = new Map(entry.status.messages);
  const end =
    messages.get('execution_success') ?? messages.get('execution_error') ?? messages.get('execution_interrupted');
  const job = pruned({
    id: promptId,
    status: endedStatus(entry),
    priority,
    create_time: extraData.create_time,
    execution_start_time: messages.get('execution_start')?.timestamp,
    execution_end_time: end?.timestamp,
    execution_error: messages.get('execution_error'),
    ...summary(entry.outputs),
    workflow_id: workflowId(extraData),
  });
  if (!detail) return job;
  return {
    ...job,
    outputs: normalised(entry.outputs),
    execution_status: entry.status,
    workflow: { prompt, extra_data: extraData },
  };
}

function endedStatus(entry: HistoryEntry): JobStatus {
  if (entry.status.status_str === 'success') return 'completed';
  return entry.status.messages.some(([type]) => type === 'execution_interrupted') ? 'cancelled' : 'failed';
}

/** One job, by its id, wherever it is. */
export function findJob(queue: PromptQueue, promptId: string): JobRecord | undefined {
  const entry = queue.history.get(promptId);
  if (entry) return endedJob(promptId, entry, true);
  if (queue.running?.promptId === promptId) return queuedJob(queue.running, 'in_progress');
  const item = queue.pending.find((waiting) => waiting.promptId === promptId);
  return item && queuedJob(item, 'pending');
}

export interface JobQuery {
  statuses: readonly JobStatus[];
  workflowId: string | undefined;
  sortBy: 'created_at' | 'execution_duration';
  descending: boolean;
  limit: number | undefined;
  offset: number;
}

/** The jobs that a query asks for, and how many there are without its limit and offset. */
export function listJobs(queue: PromptQueue, query: JobQuery): { jobs: JobRecord[]; total: number } {
  const wanted = new Set<JobStatus>(query.statuses);
  const jobs: JobRecord[] = [];
  if (wanted.has('in_progress') && queue.running) jobs.push(queuedJob(queue.running, 'in_progress'));
  if (wanted.has('pending')) jobs.push(...queue.pending.map((item) => queuedJob(item, 'pending')));
  for (const [id, entry] of queue.history) if (wanted.has(endedStatus(entry))) jobs.push(endedJob(id, entry, false));
  const kept = query.workflowId ? jobs.filter((job) => job.workflow_id === query.workflowId) : jobs;
  const key = query.sortBy === 'created_at' ? createdAt : duration;
  kept.sort((a, b) => (query.descending ? key(b) - key(a) : key(a) - key(b)));
  const end = query.limit === undefined ? undefined : query.offset + query.limit;
  return { jobs: kept.slice(query.offset, end), total: kept.length };
}

function createdAt(job: JobRecord): number {
  return Number(job.create_time ?? 0);
}

function duration(job: JobRecord): number {
  const start = Number(job.execution_start_time ?? 0);
  const end = Number(job.execution_end_time ?? 0);
  return start && end ? end - start : 0;
}

function workflowId(extraData: Record<string, unknown>): unknown {
  const info = extraData.extra_pnginfo;
  const workflow = isRecord(info) ? info.workflow : undefined;
  return isRecord(workflow) ? workflow.id : undefined;
}

function pruned(record: JobRecord): JobRecord {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined && value !== null));
}

/** A bare path of a 3D file counts as a file. */
function asFile(item: unknown): Record<string, unknown> | undefined {
  if (isRecord(item)) return item;
  if (typeof item !== 'string' || !shapeFile.test(item)) return undefined;
  return { filename: item, type: 'output', subfolder: '', mediaType: '3d' };
}

function normalised(outputs: HistoryEntry['outputs']): Record<string, unknown> {
  const entries = Object.entries(outputs).map(([id, output]) => {
    const lists = Object.entries(output).map(([kind, items]) => {
      if (kind === 'animated') return [kind, items];
      return [kind, items.filter((item) => item !== null).map((item) => asFile(item) ?? item)];
    });
    return [id, Object.fromEntries(lists)];
  });
  return Object.fromEntries(entries);
}

/** Counts, and the one output that stands for the job: a saved medium before a temporary one before text. */
function summary(outputs: HistoryEntry['outputs']): JobRecord {
  let count = 0;
  let previewable = 0;
  const found: Array<{ rank: number; shown: Record<string, unknown> }> = [];
  for (const [nodeId, output] of Object.entries(outputs)) {
    for (const [kind, items] of Object.entries(output)) {
      if (kind === 'animated') continue;
      for (const item of items) {
        const file = asFile(item);
        if (!file) {
          if (kind === 'text' && item !== null)
            found.push({ rank: 3, shown: { ...textPreview(String(item)), nodeId, mediaType: kind } });
          continue;
        }
        count += 1;
        const rank = previewRank(kind, file);
        if (rank === undefined) continue;
        previewable += 1;
        found.push({ rank, shown: { ...file, nodeId, mediaType: file.mediaType ?? kind } });
      }
    }
  }
  const best = found.reduce<(typeof found)[number] | undefined>((a, b) => (a && a.rank <= b.rank ? a : b), undefined);
  return { outputs_count: count, previewable_outputs_count: previewable, preview_output: best?.shown };
}

function textPreview(text: string): Record<string, unknown> {
  return text.length <= maxPreviewText
    ? { content: text }
    : { content: text.slice(0, maxPreviewText), truncated: true };
}

/** 0 saved medium, 1 other medium, 2 text file; undefined if a front end could not show it. */
function previewRank(kind: string, file: Record<string, unknown>): number | undefined {
  const name = typeof file.filename === 'string' ? file.filename : '';
  const format = typeof file.format === 'string' ? file.format : '';
  const isText = kind === 'text' || textFile.test(name);
  const visible = previewableKinds.has(kind) || /^(video|audio)\//.test(format) || shapeFile.test(name) || isText;
  if (!visible) return undefined;
  if (isText) return 2;
  return file.type === 'output' ? 0 : 1;
}
