import { openAsBlob } from 'node:fs';
import type { Readable } from 'node:stream';
import { FormData } from 'undici';
import type { Graph } from '../../src/core/graph.ts';
import type { Json } from '../../src/core/job.ts';
import type { NodeDefinitions } from '../../src/core/node-definitions.ts';
import type { NodeReplacements } from '../../src/core/node-replacements.ts';
import type { AnswerForm, AnswerOf } from './answers.ts';
import { type HistoryEntry, isOfAnother } from './history.ts';
import { type Answer, type CallOptions, ComfyError, type ComfyHttp } from './http.ts';
import { scrub } from './redact.ts';
import { firstNodeError, type Rejection } from './rejection.ts';
import { checksListsInOptions } from './version.ts';

export interface PromptToSubmit {
  promptId: string;
  clientId: string;
  graph: Graph;
  /** How samplers make previews: `latent2rgb`, `taesd`, `auto` or `none`. Before 0.5 the server decides alone. */
  previewMethod: string;
  /** What nodes find as `extra_pnginfo.workflow`; null: nothing. */
  editorWorkflow: Json;
  /** What partner nodes find as `api_key_comfy_org`; null: nothing. Servers before 0.3.68 show it in their queue. */
  apiKey: string | null;
}

/** `partly`: queued, but without the outputs that are faulty; whoever wants all of them cancels it. */
export type SubmitOutcome =
  | { outcome: 'accepted' }
  | { outcome: 'partly'; rejection: Rejection }
  | { outcome: 'rejected'; rejection: Rejection };

/**
 * `absent`: never taken, deleted, evicted, or the server was restarted. `unreadable`: over, but its history entry
 * cannot be read.
 */
export type EndedPrompt = { state: 'absent' | 'unreadable' } | { state: 'finished'; entry: HistoryEntry };
export type PromptState = { state: 'pending' | 'running' } | EndedPrompt;

export interface FileReference {
  filename: string;
  subfolder: string;
  type: string;
}

/** `name` and `subfolder` of plain ASCII: the server may keep them escaped otherwise. */
export interface FileToUpload {
  path: string;
  name: string;
  subfolder: string;
}

/** `running`: the id of the prompt that runs there, whoever sent it. `pending`: prompts that wait while none runs. */
export interface QueueHead {
  running: string | null;
  pending: number;
}

export interface SystemStats {
  comfyuiVersion: string | null;
  /** What it computes on, as it names them: at most 16, without paths or addresses. */
  devices: string[];
}

/** One ComfyUI server's protocol, 0.3.57 and newer. Every call throws ComfyError, or its signal's reason. */
export interface ComfyClient {
  /** Never repeat it after a failure other than `unreachable`: the prompt may be queued. `find` it first. */
  submit(prompt: PromptToSubmit, signal: AbortSignal): Promise<SubmitOutcome>;
  find(promptId: string, options?: CallOptions): Promise<PromptState>;
  /** The history entry, or null while there is none. */
  history(promptId: string, options?: CallOptions): Promise<HistoryEntry | null>;
  /** Takes it out of the queue if it waits there. Does nothing to one that runs; `find` tells which it was. */
  dequeue(promptId: string, signal: AbortSignal): Promise<void>;
  /** Takes it out of the queue, or signals it to stop, which takes as long as its node does. */
  cancel(promptId: string, signal: AbortSignal): Promise<void>;
  deleteHistory(promptId: string, signal: AbortSignal): Promise<void>;
  view(file: FileReference, signal: AbortSignal): Promise<{ body: Readable; sizeBytes: number | null }>;
  /** Sends a local file into the server's input folder. Gives the name under which a loader's value finds it. */
  upload(file: FileToUpload, signal: AbortSignal): Promise<string>;
  /** Prompts that wait or run, of whatever client. */
  queueLength(options?: CallOptions): Promise<number>;
  /** What it is at. */
  queueHead(options?: CallOptions): Promise<QueueHead>;
  systemStats(options?: CallOptions): Promise<SystemStats>;
  /**
   * All classes, or one (absent from the answer when the server does not have it). The whole is near a megabyte and
   * slow. To be called after `systemStats`: lists are what the version of then checks.
   */
  objectInfo(className: string | null, options?: CallOptions): Promise<NodeDefinitions>;
  /** The classes that it puts others in the place of; none at servers that do not tell, such as those before 0.14. */
  nodeReplacements(options?: CallOptions): Promise<NodeReplacements>;
  /** Unloads models and drops caches, after the prompt that runs. */
  free(signal: AbortSignal): Promise<void>;
}

/** Nodes run in the server's own process, so validation and other prompts may hold up an answer. */
const SUBMIT_TIMEOUT_MS = 30_000;
/** Of a file as large as may be, over a slow line. */
const UPLOAD_TIMEOUT_MS = 600_000;
const MOST_DEVICES = 16;
/** Of a version, or what a device is called. */
const MOST_CHARACTERS = 100;

export function createComfyClient(http: ComfyHttp): ComfyClient {
  /** As the server said last. */
  let version: string | null = null;

  async function history(promptId: string, options: CallOptions = {}) {
    const entry = (await http.get(`/api/history/${promptId}`, 'history', options))[promptId];
    if (!entry) return null;
    if (isOfAnother(entry, promptId)) throw new ComfyError('invalid', 200);
    return entry;
  }

  /** Undefined where the answer is not of this form. */
  async function parsed<Form extends AnswerForm>(answer: Answer, form: Form): Promise<AnswerOf<Form> | undefined> {
    try {
      return await http.parse(answer, form);
    } catch (cause) {
      if (!(cause instanceof ComfyError)) throw cause;
      return undefined;
    }
  }

  const dequeue = (promptId: string, signal: AbortSignal) =>
    http.post('/api/queue', { delete: [promptId] }, { signal });

  /** For servers before 0.6, and where the job's record cannot be read: what has left the queue is in history. */
  async function findInQueueThenHistory(promptId: string, options: CallOptions): Promise<PromptState> {
    const queue = await http.get('/api/queue', 'queue', options);
    if (queue.queue_running.includes(promptId)) return { state: 'running' };
    if (queue.queue_pending.includes(promptId)) return { state: 'pending' };
    try {
      return finished(await history(promptId, options));
    } catch (cause) {
      // A node's output that is no JSON poisons its entry: this address answers 500 for ever.
      if (cause instanceof ComfyError && cause.failure === 'status') return { state: 'unreadable' };
      throw cause;
    }
  }

  return {
    history,

    async submit({ promptId, clientId, graph, previewMethod, editorWorkflow, apiKey }, signal) {
      const extra_data = {
        preview_method: previewMethod,
        ...(editorWorkflow !== null && { extra_pnginfo: { workflow: editorWorkflow } }),
        ...(apiKey !== null && { api_key_comfy_org: apiKey }),
      };
      const body = { prompt: graph, client_id: clientId, prompt_id: promptId, extra_data };
      const options = { signal, timeoutMs: SUBMIT_TIMEOUT_MS };
      const answer = await http.call('POST', '/api/prompt', body, 'submitted', options).catch((cause: unknown) => {
        // The graph is at fault, not the server: with long names a refusal may be longer than what is read.
        if (cause instanceof ComfyError && cause.failure === 'invalid' && cause.status === 400) return null;
        throw cause;
      });
      if (answer === null) return { outcome: 'rejected', rejection: UNREAD };
      if (answer.status === 200) {
        const submitted = await http.parse(answer, 'submitted');
        if (submitted.prompt_id !== promptId) throw new ComfyError('invalid', answer.status);
        const rejection = firstNodeError(submitted.node_errors);
        return rejection ? { outcome: 'partly', rejection } : { outcome: 'accepted' };
      }
      const rejection = answer.status === 400 ? await parsed(answer, 'refusal') : undefined;
      if (rejection) return { outcome: 'rejected', rejection };
      if (answer.status === 413) return { outcome: 'rejected', rejection: TOO_LARGE };
      throw new ComfyError('status', answer.status);
    },

    async find(promptId, options = {}) {
      const answer = await http.call('GET', `/api/jobs/${promptId}`, undefined, 'job', options);
      if (answer.status === 404 && (await parsed(answer, 'jobNotFound'))) return { state: 'absent' };
      if (answer.status !== 200) return await findInQueueThenHistory(promptId, options);
      const { id, status } = await http.parse(answer, 'job');
      if (id && id !== promptId) throw new ComfyError('invalid', answer.status);
      if (status === 'pending') return { state: 'pending' };
      if (status === 'in_progress') return { state: 'running' };
      return finished(await history(promptId, options));
    },

    dequeue,

    async cancel(promptId, signal) {
      const { status } = await http.call('POST', `/api/jobs/${promptId}/cancel`, {}, null, { signal });
      if (status === 200) return;
      if (status !== 404 && status !== 405) throw new ComfyError('status', status);
      // Before 0.26: the prompt may move between the two calls, so both are always made; neither harms another prompt.
      await dequeue(promptId, signal);
      await http.post('/api/interrupt', { prompt_id: promptId }, { signal });
    },

    deleteHistory: (promptId, signal) => http.post('/api/history', { delete: [promptId] }, { signal }),

    view({ filename, subfolder, type }, signal) {
      return http.stream(`/api/view?${new URLSearchParams({ filename, subfolder, type })}`, signal);
    },

    async upload({ path, name, subfolder }, signal) {
      const form = new FormData();
      form.set('type', 'input');
      form.set('subfolder', subfolder);
      form.set('image', await openAsBlob(path), name);
      const answer = await http.call('POST', '/api/upload/image', form, 'uploaded', {
        signal,
        timeoutMs: UPLOAD_TIMEOUT_MS,
      });
      if (answer.status !== 200) throw new ComfyError('status', answer.status);
      // Where a file of this name held other bytes, the server has chosen another.
      const stored = await http.parse(answer, 'uploaded');
      return stored.subfolder === '' ? stored.name : `${stored.subfolder}/${stored.name}`;
    },

    async queueLength(options) {
      const { exec_info } = await http.get('/api/prompt', 'queueLength', options);
      return exec_info.queue_remaining;
    },

    async queueHead(options = {}) {
      const running = await http.call('GET', '/api/jobs?status=in_progress', undefined, 'running', options);
      const [job] = running.status === 200 ? (await http.parse(running, 'running')).jobs : [];
      if (job) return { running: job.id, pending: 0 };
      // It has every graph in it, so it is read only where nothing seems to run: both parts are of one moment.
      const queue = await http.get('/api/queue', 'queue', options);
      const [promptId = null] = queue.queue_running;
      return { running: promptId, pending: promptId === null ? queue.queue_pending.length : 0 };
    },

    async systemStats(options) {
      const { system, devices } = await http.get('/api/system_stats', 'systemStats', options);
      const shown = (text: string) => scrub(text).slice(0, MOST_CHARACTERS);
      version = system.comfyui_version ? shown(system.comfyui_version) : null;
      return {
        comfyuiVersion: version,
        devices: devices.slice(0, MOST_DEVICES).map(({ name }) => shown(name)),
      };
    },

    async objectInfo(className, options) {
      const path = className === null ? '/api/object_info' : `/api/object_info/${encodeURIComponent(className)}`;
      return await http.get(path, checksListsInOptions(version) ? 'objectInfo' : 'objectInfoBefore08', options);
    },

    async nodeReplacements(options) {
      const answer = await http.call('GET', '/api/node_replacements', undefined, 'nodeReplacements', options);
      // Some proxies answer with a page what the server behind them does not have.
      return (answer.status === 200 && (await parsed(answer, 'nodeReplacements'))) || new Map();
    },

    free: (signal) => http.post('/api/free', { unload_models: true, free_memory: true }, { signal }),
  };
}

const UNREAD: Rejection = {
  type: 'unread',
  nodeId: null,
  classType: null,
  text: 'The server refuses the graph, and says of too much why',
};

const TOO_LARGE: Rejection = {
  type: 'too_large',
  nodeId: null,
  classType: null,
  text: 'The graph is larger than the server accepts',
};

function finished(entry: HistoryEntry | null): PromptState {
  return entry ? { state: 'finished', entry } : { state: 'absent' };
}
