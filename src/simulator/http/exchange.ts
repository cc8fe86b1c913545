import type { IncomingMessage } from 'node:http';
import { maxUploadBytes } from '../protocol/features.ts';
import { parseJson, toJson } from '../protocol/json.ts';

/** A request as handlers see it. */
export interface Exchange {
  request: IncomingMessage;
  method: string;
  /** Decoded, without the `/api` prefix. */
  path: string;
  /** The groups of the route's pattern. */
  params: string[];
  query: URLSearchParams;
  body(): Promise<Buffer>;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer | string;
  /** Closes the connection after this many bytes of the body; with 0, before any answer. */
  cutAfter?: number;
}

/** A failure that has an HTTP answer. */
export class HttpError extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`HTTP ${answer.status}`);
    this.answer = answer;
  }
}

export const jsonType = 'application/json; charset=utf-8';
const textType = 'text/plain; charset=utf-8';

export function json(value: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': jsonType }, body: toJson(value) };
}

/** Many answers of ComfyUI have no body. */
export function empty(status = 200): Answer {
  return { status, headers: { 'content-type': 'application/octet-stream' } };
}

export const notFound = (): Answer => ({ status: 404, headers: { 'content-type': textType }, body: '404: Not Found' });

export const methodNotAllowed = (): Answer => ({
  status: 405,
  headers: { 'content-type': textType },
  body: '405: Method Not Allowed',
});

/** The answer of ComfyUI when a handler raises. */
export const serverError = (): Answer => ({
  status: 500,
  headers: { 'content-type': textType },
  body: '500 Internal Server Error\n\nServer got itself in trouble',
});

/** The body as JSON, whatever its content type says. @throws SyntaxError */
export async function jsonBody(exchange: Exchange): Promise<unknown> {
  return parseJson((await exchange.body()).toString('utf8'));
}

/** Reads a whole body. @throws HttpError 413 above the limit. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxUploadBytes) {
      const body = `Maximum request body size ${maxUploadBytes} exceeded.`;
      throw new HttpError({ status: 413, headers: { 'content-type': textType }, body });
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
