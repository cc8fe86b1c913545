import { createServer, request } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createCompression } from '../../../src/http/graphql/compress.ts';
import { sendResponse } from '../../../src/http/graphql/send-response.ts';
import { listen } from '../../../src/http/listen.ts';

/** A client of a server that answers with this stream. */
async function ask(stream: ReadableStream<Uint8Array>) {
  const server = createServer((_req, res) => {
    const response = new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
    void sendResponse(response, res, { stillMs: 30_000, compression: createCompression() });
  });
  const { port } = await listen(server, { host: '127.0.0.1', port: 0 });
  const outgoing = request({ host: '127.0.0.1', port });
  outgoing.on('error', () => {});
  outgoing.end();
  onTestFinished(() => {
    outgoing.destroy();
    server.close();
  });
  return outgoing;
}

test('cancels a stream that says nothing as soon as its client has left', async () => {
  const cancel = vi.fn();
  const outgoing = await ask(new ReadableStream({ cancel }));
  outgoing.on('response', () => outgoing.destroy());
  await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce());
});

test('cancels a stream that says more than its client reads, when that has left', async () => {
  const cancel = vi.fn();
  const pull = vi.fn((controller: ReadableStreamDefaultController<Uint8Array>) =>
    controller.enqueue(new Uint8Array(1_000_000)),
  );
  const outgoing = await ask(new ReadableStream({ pull, cancel }));
  outgoing.on('response', (response) => response.pause());
  await vi.waitFor(() => expect(pull.mock.calls.length).toBeGreaterThan(2));
  outgoing.destroy();
  await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce());
});
