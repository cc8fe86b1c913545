import { expect, onTestFinished, test, vi } from 'vitest';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { ComfyError, createComfyHttp } from '../../../worker/comfyui/http.ts';
import type { ComfySocket } from '../../../worker/comfyui/socket.ts';
import type { Backend } from '../../../worker/pool/backend.ts';
import { createReaper } from '../../../worker/prompt/reaper.ts';
import { testLog } from '../../support/graph-services.ts';

const socket: ComfySocket = {
  listen: () => ({ [Symbol.dispose]() {} }),
  open: true,
  onOpen: () => ({ [Symbol.dispose]() {} }),
  opened: async () => undefined,
  suspect() {},
  close: async () => undefined,
};

/** A server that cannot be reached, and how often it was asked. */
function gone() {
  const http = createComfyHttp('http://127.0.0.1:1');
  onTestFinished(() => http.close());
  const client = createComfyClient(http);
  const cancel = vi.spyOn(client, 'cancel').mockRejectedValue(new ComfyError('unreachable', null));
  const backend: Backend = {
    name: 'gone',
    client,
    socket,
    socketAs: () => socket,
    outputClasses: () => null,
    nodeDefinitions: () => null,
  };
  return { backend, cancel };
}

test('an unwanted prompt is not cancelled any more after a while, and the log says so', async () => {
  const { backend, cancel } = gone();
  const { log, lines } = testLog();
  const reaper = createReaper({ log, forMs: -1 });
  onTestFinished(() => reaper.close());
  await reaper.cancel(backend, 'prompt', 'job');
  expect(cancel).toHaveBeenCalledTimes(1);
  expect(lines).toMatchObject([{ msg: 'prompt not cancelled', jobId: 'job', backend: 'gone', promptId: 'prompt' }]);
});

test('until then the end of its job is held up for a second at most', async () => {
  const { backend, cancel } = gone();
  const { log, lines } = testLog();
  const reaper = createReaper({ log, forMs: 3_600_000 });
  onTestFinished(() => reaper.close());
  await reaper.cancel(backend, 'prompt', 'job');
  expect(cancel).toHaveBeenCalledTimes(1);
  expect(lines).toEqual([]);
});
