import type { ServerResponse } from 'node:http';
import { setHeaders } from '../reply.ts';
import type { Compression } from './compress.ts';
import type { OneAnswer } from './one-answer.ts';

/** Whether it is sent as it comes, as the events of a subscription are. */
export function isStream({ headers }: Response): boolean {
  return /^(?:text\/event-stream|multipart\/)/.test(headers.get('content-type') ?? '');
}

function writable(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      res.off('drain', settle);
      res.off('close', settle);
      resolve();
    };
    res.on('drain', settle);
    res.on('close', settle);
  });
}

/**
 * Sends a stream no faster than it is read. When the client leaves, the stream is cancelled at once, also while nothing
 * comes out of it: that frees its source and the timer of its keep-alive.
 */
async function sendStream(body: ReadableStream<Uint8Array>, res: ServerResponse): Promise<void> {
  const reader = body.getReader();
  res.once('close', () => void reader.cancel().catch(() => undefined));
  res.flushHeaders();
  while (!res.destroyed) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!res.write(value) && !res.destroyed) await writable(res);
  }
  res.end();
}

/** How an answer is sent: a client that takes no byte of it for `stillMs` is given up. */
export interface SendOptions {
  stillMs: number;
  compression: Compression;
}

/** A stream that has nothing to say is kept alive every 5 s, and taking that is a sign of life, too. */
function giveUpStill(res: ServerResponse, { stillMs }: SendOptions): void {
  res.setTimeout(stillMs, () => res.destroy());
}

/** An answer in one piece, so that its length is said. Of a client that has left it is dropped. */
export async function sendAnswer({ status, headers, text }: OneAnswer, res: ServerResponse, options: SendOptions) {
  if (res.destroyed) return;
  res.statusCode = status;
  setHeaders(res, headers);
  giveUpStill(res, options);
  const { compression } = options;
  if (!compression.matters(text)) return void res.end(text);
  res.appendHeader('Vary', 'Accept-Encoding');
  const compressed = await compression.compress(text, res.req.headers['accept-encoding']);
  if (compressed) setHeaders(res, { 'Content-Encoding': 'gzip', 'Content-Length': String(compressed.length) });
  res.end(compressed ?? text);
}

/** Writes a fetch Response to Node's: a text in one piece, anything else as it comes. */
export async function sendResponse(response: Response, res: ServerResponse, options: SendOptions): Promise<void> {
  // The client has left, which has ended the operation. Yoga's stream fails when it is cancelled before it was read.
  if (res.destroyed) return;
  const { status } = response;
  const headers = Object.fromEntries(response.headers);
  if (!isStream(response) || !response.body) {
    return sendAnswer({ status, headers, text: await response.text() }, res, options);
  }
  res.statusCode = status;
  setHeaders(res, headers);
  giveUpStill(res, options);
  await sendStream(response.body, res);
}
