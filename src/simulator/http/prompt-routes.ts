import { randomUUID } from 'node:crypto';
import type { PromptQueue } from '../execution/prompt-queue.ts';
import type { FaultHandle } from '../faults.ts';
import type { FileStore } from '../files.ts';
import { inputFile } from '../nodes/input-file.ts';
import type { ObjectInfo } from '../object-info.ts';
import type { Graph } from '../protocol/graph.ts';
import { isRecord } from '../protocol/json.ts';
import { PythonError, toBool, toFloat, typeName } from '../protocol/python.ts';
import { validatePrompt } from '../validation/validate-prompt.ts';
import { type Answer, type Exchange, json, jsonBody, serverError } from './exchange.ts';
import type { Routes } from './router.ts';

export interface PromptRouteParts {
  objectInfo: ObjectInfo;
  faults: FaultHandle;
  files: FileStore;
  queue: PromptQueue;
  now: () => number;
  /** Called for every prompt before it enters the queue. */
  onAccepted: (promptId: string) => void;
}

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const secretKeys = ['auth_token_comfy_org', 'api_key_comfy_org'];

export function isCanonicalUuid(value: unknown): value is string {
  return typeof value === 'string' && canonicalUuid.test(value);
}

/** GET and POST /prompt. */
export function promptRoutes(parts: PromptRouteParts): Routes {
  const { faults, queue } = parts;

  function takeNumber(body: Record<string, unknown>): number {
    if ('number' in body) return toFloat(body.number);
    const number = queue.nextNumber();
    return toBool(body.front) ? 0 - number : number;
  }

  async function submit(exchange: Exchange): Promise<Answer> {
    if (faults.current.refusePrompt !== null) return { ...serverError(), status: faults.current.refusePrompt };
    const body = await jsonBody(exchange);
    // Python looks for keys in a list or text and finds none; in numbers, booleans and null it raises.
    if (Array.isArray(body) || typeof body === 'string') {
      queue.nextNumber();
      return noPrompt();
    }
    if (!isRecord(body)) throw new PythonError('TypeError', `argument of type '${typeName(body)}' is not iterable`);
    const number = takeNumber(body);
    if (!('prompt' in body)) return noPrompt();
    const promptId = body.prompt_id ?? randomUUID();
    if (!isCanonicalUuid(promptId)) return badPromptId();

    const targets = body.partial_execution_targets ?? null;
    if (targets !== null && !Array.isArray(targets)) throw new PythonError('TypeError', 'targets are no list');
    const fileExists = (name: string): boolean => inputFile(parts.files, name).file !== undefined;
    const verdict = validatePrompt(body.prompt, targets, parts.objectInfo, fileExists);
    const { extraData, sensitive } = extraDataOf(body, exchange, parts.now());
    if (verdict.error) return json({ error: verdict.error, node_errors: verdict.nodeErrors }, 400);

    const prompt = body.prompt as Graph;
    const dropped = verdict.outputs.length > 1 && faults.strikes('dropOutput') ? verdict.outputs.at(-1) : undefined;
    const outputs = verdict.outputs.filter((id) => id !== dropped);
    parts.onAccepted(promptId);
    queue.put({ number, promptId, prompt, extraData, outputs, sensitive });
    if (faults.strikes('dropPromptAnswer')) return { status: 200, cutAfter: 0 };
    if (faults.strikes('failPromptAnswer')) return serverError();
    const errors = dropped === undefined ? {} : { [dropped]: unreadable(dropped, prompt) };
    return json({ prompt_id: promptId, number, node_errors: { ...verdict.nodeErrors, ...errors } });
  }

  return [
    { method: 'GET', path: '/prompt', handle: () => json({ exec_info: { queue_remaining: queue.remaining() } }) },
    { method: 'POST', path: '/prompt', handle: submit },
  ];
}

function extraDataOf(body: Record<string, unknown>, exchange: Exchange, createTime: number) {
  const sent = 'extra_data' in body ? body.extra_data : {};
  if (!isRecord(sent))
    throw new PythonError('TypeError', `'${typeName(sent)}' object does not support item assignment`);
  const extraData: Record<string, unknown> = { ...sent };
  if ('client_id' in body) extraData.client_id = body.client_id;
  const source = exchange.request.headers['comfy-usage-source'];
  if (!('comfy_usage_source' in extraData) && source) extraData.comfy_usage_source = source;
  const sensitive: Record<string, unknown> = {};
  for (const key of secretKeys) {
    if (key in extraData) sensitive[key] = extraData[key];
    delete extraData[key];
  }
  extraData.create_time = createTime;
  return { extraData, sensitive };
}

/** The error of a node whose own check refuses an input. */
function unreadable(id: string, prompt: Graph) {
  const error = {
    type: 'custom_validation_failed',
    message: 'Custom validation failed for node',
    details: 'simulated',
    extra_info: {},
  };
  return { errors: [error], dependent_outputs: [id], class_type: prompt[id]?.class_type };
}

function refusal(type: string, message: string, details: string): Answer {
  return json({ error: { type, message, details, extra_info: {} }, node_errors: {} }, 400);
}

function noPrompt(): Answer {
  return refusal('no_prompt', 'No prompt provided', 'No prompt provided');
}

function badPromptId(): Answer {
  return refusal(
    'invalid_prompt_id',
    'prompt_id must be a valid UUID',
    'prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one',
  );
}
