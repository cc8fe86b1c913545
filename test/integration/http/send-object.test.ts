import { createServer, request } from 'node:http';
import { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { sendObject } from '../../../src/http/files/send-object.ts';
import { listen } from '../../../src/http/listen.ts';

test('a client that leaves before its object is open is no error, and nothing of the object stays open', async () => {
  const asked = Promise.withResolvers<AbortSignal | undefined>();
  const opened = Promise.withResolvers<Readable>();
  const sent = Promise.withResolvers<void>();
  const artifacts = {
    read: async (_key: string, { signal }: { signal?: AbortSignal } = {}) => {
      asked.resolve(signal);
      return opened.promise;
    },
  };
  const left = Promise.withResolvers<void>();
  const grant = { key: 'k', filename: 'a.png', disposition: 'inline' as const, expires: 4_000_000_000 };
  const server = createServer((req, res) => {
    res.once('close', left.resolve);
    const object = { grant, sizeBytes: 10, contentType: 'image/png', sha256: 'a', modifiedAt: undefined };
    sendObject(req, res, object, { artifacts, nowMs: 0, idleTimeoutMs: 10_000 }).then(sent.resolve, sent.reject);
  });
  const { port, close } = await listen(server, { host: '127.0.0.1', port: 0 });
  onTestFinished(() => close(0));
  const client = request({ host: '127.0.0.1', port });
  client.on('error', () => undefined);
  client.end();
  const signal = await asked.promise;
  client.destroy();
  await left.promise;
  opened.resolve(Readable.from([Buffer.alloc(10)]));
  await sent.promise;
  expect(signal?.aborted).toBe(true);
});
