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

test('cancelling a prompt that nobody wants is given up after its time, with a line in the log', async () => {
  const { backend, cancel } = gone();
  const { log, lines } = testLog();
  const reaper = createReaper({ log, forMs: -1 });
  onTestFinished(() => reaper.close());
  await reaper.cancel(backend, 'prompt', 'job');
  expect(cancel).toHaveBeenCalledTimes(1);
  expect(lines).toMatchObject([{ msg: 'prompt not cancelled', jobId: 'job', backend: 'gone', promptId: 'prompt' }]);
});

test('a server that does not answer holds up the end of a job for a second', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { backend, cancel } = gone();
  const { log, lines } = testLog();
  const reaper = createReaper({ log, forMs: 3_600_000 });
  onTestFinished(() => reaper.close());
  let over = false;
  void reaper.cancel(backend, 'prompt', 'job').then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(999);
  expect(over).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(over).toBe(true);
  expect(cancel).toHaveBeenCalledTimes(1);
  expect(lines).toEqual([]);
});
