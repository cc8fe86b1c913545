import type { Readable } from 'node:stream';
import { type Dispatcher, FormData, Pool } from 'undici';
import { type AnswerForm, type AnswerOf, answerForms } from './answers.ts';
import { createAnswerParser } from './parse-answer.ts';

/**
 * `unreachable`: no connection, so the server has seen nothing of the request. `reset`: the connection broke, and
 * `timeout`: no answer in time; in both the server may have acted on it. `status`: an answer other than those asked
 * for. `invalid`: an answer that is not what it should be.
 */
export type ComfyFailure = 'unreachable' | 'reset' | 'timeout' | 'status' | 'invalid';

/** A call that ComfyUI did not answer as it should. The message is constant and holds no address. */
export class ComfyError extends Error {
  override readonly name = 'ComfyError';
  readonly failure: ComfyFailure;
  /** The HTTP status, when there was one. */
  readonly status: number | null;

  constructor(failure: ComfyFailure, status: number | null, options?: ErrorOptions) {
    super(MESSAGES[failure], options);
    this.failure = failure;
    this.status = status;
  }
}

const MESSAGES: Record<ComfyFailure, string> = {
  unreachable: 'ComfyUI is not reachable',
  reset: 'the connection to ComfyUI broke',
  timeout: 'ComfyUI did not answer in time',
  status: 'ComfyUI answered with an error',
  invalid: "ComfyUI's answer was not understood",
};

export interface CallOptions {
  signal?: AbortSignal;
  /** For the whole call, the body included; default 10 s. */
  timeoutMs?: number;
}

export interface Answer {
  status: number;
  body: Uint8Array;
}

/** One ComfyUI's REST side: keep-alive, bounded in time and size, no redirects, no retries. */
export interface ComfyHttp {
  /**
   * The answer whatever its status, of as many bytes as an answer of this form may have; null: one that nothing is read
   * of. `body`: JSON, or a form, whose files are read as they are sent. Throws ComfyError (never `status`) or the
   * signal's reason.
   */
  call(
    method: 'GET' | 'POST',
    path: string,
    body: unknown,
    form: AnswerForm | null,
    options?: CallOptions,
  ): Promise<Answer>;
  /** What an answer says; ComfyError `invalid` where it is not of this form. */
  parse<Form extends AnswerForm>(answer: Answer, form: Form): Promise<AnswerOf<Form>>;
  /** The parsed body of an answer with status 200. Throws ComfyError or the signal's reason. */
  get<Form extends AnswerForm>(path: string, form: Form, options?: CallOptions): Promise<AnswerOf<Form>>;
  /** For answers without a body. Throws ComfyError unless the status is 200. */
  post(path: string, body: unknown, options?: CallOptions): Promise<void>;
  /** A body to be read by the caller, who must consume or destroy it; it fails when no byte comes for 30 s. */
  stream(path: string, signal: AbortSignal): Promise<{ body: Readable; sizeBytes: number | null }>;
  close(): Promise<void>;
}

const CALL_TIMEOUT_MS = 10_000;
/** Of answers that nothing is read of, such as a proxy's page about an error. */
const UNREAD_BYTES = 64 * 1024;
/** Of all answers of one server that are being read: a few large ones. */
const READING_BYTES = 64 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 3_000;
const IDLE_BODY_TIMEOUT_MS = 30_000;

/** `url` may carry a path and credentials (sent as Basic). `connections`: sockets at most; default 16. */
export function createComfyHttp(url: string, { connections = 16 } = {}): ComfyHttp {
  const { origin, pathname, username, password } = new URL(url);
  const base = pathname.replace(/\/+$/, '');
  const headers = username === '' ? {} : { authorization: basic(username, password) };
  const parser = createAnswerParser();
  let reading = 0;
  const pool = new Pool(origin, {
    connections,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: IDLE_BODY_TIMEOUT_MS,
    bodyTimeout: IDLE_BODY_TIMEOUT_MS,
  });

  async function request(method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal) {
    const content: Partial<Dispatcher.RequestOptions> =
      body === undefined
        ? { headers }
        : body instanceof FormData
          ? { headers, body }
          : { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return await pool.request({ method, path: `${base}${path}`, signal, ...content });
  }

  async function call(
    method: 'GET' | 'POST',
    path: string,
    body: unknown,
    form: AnswerForm | null,
    options: CallOptions = {},
  ): Promise<Answer> {
    const maxBytes = form === null ? UNREAD_BYTES : answerForms[form].maxBytes;
    const timeout = AbortSignal.timeout(options.timeoutMs ?? CALL_TIMEOUT_MS);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    try {
      const response = await request(method, path, body, signal);
      return { status: response.statusCode, body: await read(response.body, maxBytes, response.statusCode) };
    } catch (cause) {
      options.signal?.throwIfAborted();
      throw asComfyError(cause, timeout.aborted);
    }
  }

  async function read(body: Readable, maxBytes: number, status: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of body) {
        bytes += chunk.length;
        reading += chunk.length;
        // Leaving the loop destroys the body, and with it the connection.
        if (bytes > maxBytes || reading > READING_BYTES) {
          // At once, and not when the body is gone: others are not refused for what this one no longer holds.
          reading -= bytes;
          bytes = 0;
          throw new ComfyError('invalid', status);
        }
        chunks.push(chunk);
      }
    } finally {
      reading -= bytes;
    }
    return Buffer.concat(chunks);
  }

  async function parse<Form extends AnswerForm>({ status, body }: Answer, form: Form): Promise<AnswerOf<Form>> {
    try {
      return await parser(form, body);
    } catch (cause) {
      throw new ComfyError('invalid', status, { cause });
    }
  }

  return {
    call,
    parse,
    async get(path, form, options) {
      const answer = await call('GET', path, undefined, form, options);
      if (answer.status !== 200) throw new ComfyError('status', answer.status);
      return await parse(answer, form);
    },
    async post(path, body, options) {
      const { status } = await call('POST', path, body, null, options);
      if (status !== 200) throw new ComfyError('status', status);
    },
    async stream(path, signal) {
      try {
        const { statusCode, headers, body } = await request('GET', path, undefined, signal);
        if (statusCode === 200) return { body, sizeBytes: parseLength(headers['content-length']) };
        await body.dump();
        throw new ComfyError('status', statusCode);
      } catch (cause) {
        signal.throwIfAborted();
        throw asComfyError(cause, false);
      }
    },
    close: () => pool.destroy(),
  };
}

function parseLength(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : null;
}

function basic(username: string, password: string): string {
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

/** Codes of Node and undici that can only come before a request was sent. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const TIMED_OUT = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** What a failed request or a body that ended early means. */
export function asComfyError(cause: unknown, timedOut: boolean): ComfyError {
  if (cause instanceof ComfyError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (NEVER_SENT.has(code)) return new ComfyError('unreachable', null, { cause });
  if (timedOut || TIMED_OUT.has(code)) return new ComfyError('timeout', null, { cause });
  if (code.startsWith('HPE_')) return new ComfyError('invalid', null, { cause });
  return new ComfyError('reset', null, { cause });
}
