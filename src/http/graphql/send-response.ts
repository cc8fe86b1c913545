import type { ServerResponse } from 'node:http';

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

/** Writes a fetch Response to Node's: a text in one piece, anything else as it comes. */
export async function sendResponse(response: Response, res: ServerResponse): Promise<void> {
  if (res.destroyed) {
    await response.body?.cancel();
    return;
  }
  res.statusCode = response.status;
  response.headers.forEach((value, name) => {
    res.setHeader(name, value);
  });
  const type = response.headers.get('content-type');
  const streams = type?.startsWith('text/event-stream') || type?.startsWith('multipart/');
  if (streams && response.body) await sendStream(response.body, res);
  else res.end(await response.text());
}
