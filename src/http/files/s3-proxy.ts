import { once } from 'node:events';
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { CONTINUE_TIMEOUT_MS } from '../../artifacts/expect-continue.ts';
import { discardBody } from '../request-body.ts';
import { type Refusal, refuse } from './refusals.ts';
import { createUploadGate, type UploadGate } from './upload-gate.ts';

export interface S3ProxyOptions {
  /** The S3 server, as this process reaches it. */
  endpoint: string;
  /** The origin in signed addresses; its host is part of what was signed. */
  publicEndpoint: string;
  bucket: string;
  /** A server or client that moves no byte for so long is given up. Default: one minute. */
  idleTimeoutMs?: number;
  /** Of files that are put. Default: by the bounds of `createUploadGate`. */
  gate?: UploadGate;
}

const RETRY_AFTER = { 'Retry-After': '5' };

/** Of a request, what goes on to the server: of a file that is put, and of one that is read. */
const PUT_HEADERS = ['content-type', 'content-length', 'if-none-match'];
const READ_HEADERS = ['range', 'if-range', 'if-none-match', 'if-modified-since'];
/** Of an answer, what goes on to the client. */
const ANSWER_HEADERS = [
  'content-type',
  'content-length',
  'content-range',
  'content-disposition',
  'accept-ranges',
  'cache-control',
  'etag',
  'last-modified',
];

/** What is said where the server refuses, by its status; of every other that it is away. */
const REFUSALS: Readonly<Record<number, Refusal>> = {
  400: 'anotherFile',
  403: 'invalidAddress',
  404: 'absent',
  405: 'onlyReadsAndPuts',
  409: 'taken',
  411: 'lengthRequired',
  412: 'taken',
  416: 'noSuchRange',
  507: 'full',
};

/**
 * Passes reads of signed addresses, and files put to them, on to an S3 server that browsers do not reach by
 * themselves: for a public endpoint that is the gateway's own origin. The signature goes through untouched and is
 * checked there; nothing else of a request or an answer does, so neither cookies nor the server's own words cross.
 * The handler says false when the path is none of its own; otherwise it resolves to true once the answer is out or
 * one side has left.
 */
export function createS3Proxy(options: S3ProxyOptions) {
  const { endpoint, publicEndpoint, bucket, idleTimeoutMs = 60_000, gate = createUploadGate() } = options;
  const server = new URL(endpoint);
  const { host } = new URL(publicEndpoint);
  const send = server.protocol === 'https:' ? httpsRequest : httpRequest;

  function begin({ url, method, headers }: IncomingMessage): ClientRequest {
    const proxied = send({
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port,
      method,
      path: url,
      headers:
        method === 'PUT'
          ? { host, ...pick(headers, PUT_HEADERS), expect: '100-continue' }
          : { host, ...pick(headers, READ_HEADERS) },
      agent: false,
      timeout: idleTimeoutMs,
    });
    // Whoever waits for its answer learns of it; one that comes after the answer changes nothing.
    proxied.on('error', () => undefined);
    // Also when the client takes nothing: then nothing is read from the server either.
    proxied.on('timeout', () => proxied.destroy(new Error('storage is silent')));
    return proxied;
  }

  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const { url = '', method = '' } = req;
    if (!url.startsWith(`/${bucket}/`)) return false;
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (method === 'PUT') discardBodyOnceAnswered(req, res);
    else if (method !== 'GET' && method !== 'HEAD') {
      return refuse(res, 'onlyReadsAndPuts', { Allow: 'GET, HEAD, PUT' });
    }
    if (!/[?&]X-Amz-Signature=[0-9a-f]{64}(?:&|$)/.test(url)) return refuse(res, 'invalidAddress');
    if (method === 'PUT' && req.headers['content-length'] === undefined) return refuse(res, 'lengthRequired');

    const late = new AbortController();
    const leave = method === 'PUT' ? gate.admit(req, () => late.abort()) : () => undefined;
    if (typeof leave === 'string') return refuse(res, leave, RETRY_AFTER);
    const proxied = begin(req);
    const giveUp = () => proxied.destroy();
    res.once('close', giveUp);
    late.signal.addEventListener('abort', giveUp);
    try {
      if (method === 'PUT') sendOnceWanted(req, proxied);
      else proxied.end();
      const [answer]: IncomingMessage[] = await once(proxied, 'response');
      if (!answer) return refuse(res, 'storageAway');
      return await (method === 'PUT' ? reportPut(answer, res) : passOn(answer, res));
    } catch {
      // Storage is away or broke off, or the client left, as browsers do. A whole answer is never made of half a file:
      // what was begun is cut off, so that the client sees its length unmet.
      if (res.headersSent) res.destroy();
      else if (late.signal.aborted) refuse(res, 'tooSlow', { Connection: 'close' });
      else refuse(res, 'storageAway');
      return true;
    } finally {
      leave();
      res.off('close', giveUp);
      proxied.destroy();
    }
  };
}

/** Sent at once, a file would go on while it is refused, and the refusal be lost in the reset that follows. */
function sendOnceWanted(req: IncomingMessage, proxied: ClientRequest): void {
  const send = () => req.pipe(proxied);
  const impatient = setTimeout(send, CONTINUE_TIMEOUT_MS);
  proxied.once('continue', () => {
    clearTimeout(impatient);
    send();
  });
  for (const over of ['response', 'close']) proxied.once(over, () => clearTimeout(impatient));
}

/** What is left of a file that storage refused has to be read all the same. */
function discardBodyOnceAnswered(req: IncomingMessage, res: ServerResponse): void {
  res.once('finish', () => {
    req.unpipe();
    discardBody(req);
  });
}

/** What became of a file; nothing of the server's own words. */
function reportPut(answer: IncomingMessage, res: ServerResponse): true {
  answer.resume();
  const { statusCode = 502 } = answer;
  if (statusCode !== 200) return refuse(res, REFUSALS[statusCode] ?? 'storageAway');
  res.writeHead(200, { 'Content-Length': '0', 'Cache-Control': 'no-store' }).end();
  return true;
}

async function passOn(answer: IncomingMessage, res: ServerResponse): Promise<true> {
  const { statusCode = 502 } = answer;
  if (![200, 206, 304].includes(statusCode)) return refuse(res, REFUSALS[statusCode] ?? 'storageAway');
  // Nothing of ours needs to run in it, whatever the file turns out to be.
  res.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; sandbox");
  res.writeHead(statusCode, pick(answer.headers, ANSWER_HEADERS));
  await pipeline(answer, res);
  return true;
}

function pick(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string') picked[name] = value;
  }
  return picked;
}
