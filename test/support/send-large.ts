import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Answers with at least so many bytes between head and tail, of what `part` repeats, as fast as they are taken. */
export async function sendLarge(res: ServerResponse, head: string, part: string, bytes: number, tail: string) {
  const piece = Buffer.from(part.repeat(Math.ceil(2 ** 20 / part.length)));
  function* pieces() {
    yield head;
    for (let sent = 0; sent < bytes; sent += piece.length) yield piece;
    yield tail;
  }
  // Whoever has read enough closes the connection.
  await pipeline(Readable.from(pieces()), res).catch(() => undefined);
}
