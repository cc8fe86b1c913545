import { once } from 'node:events';
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { CONTINUE_TIMEOUT_MS } from '../../artifacts/expect-continue.ts';
import { discardBody } from '../request-body.ts';

export interface StoragePassageOptions {
  /** The S3 server, as this process reaches it. */
  endpoint: string;
  /** The origin in signed addresses; its host is part of what was signed. */
  publicEndpoint: string;
  bucket: string;
  /** A server or client that moves no byte for so long is given up. Default: one minute. */
  idleTimeoutMs?: number;
}

const SENT = ['content-type', 'content-length'];
const ASKED = ['range', 'if-range', 'if-none-match', 'if-modified-since'];
const ANSWERED = [
  'content-type',
  'content-length',
  'content-range',
  'content-disposition',
  'accept-ranges',
  'cache-control',
  'etag',
  'last-modified',
];

/**
 * Passes reads of signed addresses, and files put to them, on to an S3 server that browsers do not reach by themselves: for a public endpoint that is
 * the gateway's own origin. The signature goes through untouched and is checked there; nothing else of a request or an answer
 * does, so neither cookies nor the server's own words cross. The handler says false when the path is none of its own; otherwise
 * it resolves to true once the answer is out or one side has left.
 */
export function createS3Proxy({ endpoint, publicEndpoint, bucket, idleTimeoutMs = 60_000 }: StoragePassageOptions) {
  const server = new URL(endpoint);
  const { host } = new URL(publicEndpoint);
  const send = server.protocol === 'https:' ? httpsRequest : httpRequest;

  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const { url = '', method = '' } = req;
    if (!url.startsWith(`/${bucket}/`)) return false;
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (method === 'PUT') discardBodyOnceAnswered(req, res);
    else if (method !== 'GET' && method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD, PUT');
      return refuse(res, 405);
    }
    if (!/[?&]X-Amz-Signature=[0-9a-f]{64}(?:&|$)/.test(url)) return refuse(res, 403);
    if (method === 'PUT' && req.headers['content-length'] === undefined) return refuse(res, 411);

    const options: RequestOptions = {
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port,
      method,
      path: url,
      headers:
        method === 'PUT'
          ? { host, ...pick(req.headers, SENT), expect: '100-continue' }
          : { host, ...pick(req.headers, ASKED) },
      agent: false,
      timeout: idleTimeoutMs,
    };
    const passed = send(options);
    // Whoever waits for its answer learns of it; one that comes after the answer changes nothing.
    passed.on('error', () => undefined);
    // Also when the client takes nothing: then nothing is asked of the server either.
    passed.on('timeout', () => passed.destroy(new Error('storage is silent')));
    const giveUp = () => passed.destroy();
    res.once('close', giveUp);
    try {
      if (method === 'PUT') sendOnceWanted(req, passed);
      else passed.end();
      const [answer]: IncomingMessage[] = await once(passed, 'response');
      if (!answer) return refuse(res, 502);
      return await (method === 'PUT' ? report(answer, res) : pass(answer, res));
    } catch {
      // Storage is away or broke off, or the client left, as browsers do. A whole answer is never made of half a file:
      // what was begun is cut off, so that the client sees its length unmet.
      if (res.headersSent) res.destroy();
      else refuse(res, 502);
      return true;
    } finally {
      res.off('close', giveUp);
      passed.destroy();
    }
  };
}

/** Sent unasked, a file would go on while it is refused, and the refusal be lost in the reset that follows. */
function sendOnceWanted(req: IncomingMessage, passed: ClientRequest): void {
  const send = () => req.pipe(passed);
  const impatient = setTimeout(send, CONTINUE_TIMEOUT_MS);
  passed.once('continue', () => {
    clearTimeout(impatient);
    send();
  });
  for (const over of ['response', 'close']) passed.once(over, () => clearTimeout(impatient));
}

/** What is left of a file that storage refused has to be read all the same. */
function discardBodyOnceAnswered(req: IncomingMessage, res: ServerResponse): void {
  res.once('finish', () => {
    req.unpipe();
    discardBody(req);
  });
}

/** What became of a file; nothing of the server's own words. */
function report(answer: IncomingMessage, res: ServerResponse): true {
  answer.resume();
  const status = answer.statusCode ?? 502;
  if (status !== 200) return refuse(res, status in MESSAGES ? status : 502);
  res.writeHead(200, { 'Content-Length': '0', 'Cache-Control': 'no-store' }).end();
  return true;
}

async function pass(answer: IncomingMessage, res: ServerResponse): Promise<true> {
  const status = answer.statusCode ?? 502;
  if (status !== 200 && status !== 206 && status !== 304) return refuse(res, status in MESSAGES ? status : 502);
  // Nothing of ours needs to run in it, whatever the file turns out to be.
  res.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; sandbox");
  // The address is the permission: pages of other origins that hold one may show the picture.
  res.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
  res.writeHead(status, pick(answer.headers, ANSWERED));
  await pipeline(answer, res);
  return true;
}

function pick(headers: IncomingMessage['headers'], names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string') picked[name] = value;
  }
  return picked;
}

const MESSAGES: Readonly<Record<number, string>> = {
  400: 'The body is not the file that was announced.',
  403: 'This address is not valid, or no longer.',
  404: 'There is nothing here, or no longer.',
  405: 'Only GET, HEAD and PUT.',
  411: 'Expected a Content-Length.',
  507: 'There is no room for the file.',
  416: 'The file has no such range.',
  502: 'Storage does not answer; try again.',
};

function refuse(res: ServerResponse, status: number): true {
  const body = `${MESSAGES[status]}\n`;
  res.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  res.end(body);
  return true;
}
