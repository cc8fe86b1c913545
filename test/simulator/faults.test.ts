import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { call, connect, ended, node, over, plainImage, submit, textToImage, viewPath } from './client.ts';

let simulator: Simulator;
let url: string;
beforeEach(async () => {
  simulator = await startSimulator({ speed: Number.POSITIVE_INFINITY });
  url = simulator.url;
});
afterEach(() => simulator.close());

test('are set and shown over HTTP, one by one, and switched off together', async () => {
  const set = (body: unknown) => call(url, 'POST', '/simulator/faults', body);
  expect((await set({ httpDelayMs: 1, failPromptAnswer: 2 })).json).toMatchObject({
    httpDelayMs: 1,
    failPromptAnswer: 2,
  });
  expect((await set({ viewStatus: 404 })).json).toMatchObject({ httpDelayMs: 1, viewStatus: 404 });
  expect((await set({ reset: true, hold: true })).json).toMatchObject({ httpDelayMs: 0, viewStatus: null, hold: true });
  expect((await call(url, 'GET', '/simulator/faults')).json.hold).toBe(true);
  const bad = await set({ typo: true });
  expect([bad.status, bad.json.error]).toEqual([400, expect.stringContaining('typo')]);
  expect((await set('{')).status).toBe(400);
});

test('an accepted prompt whose answer is lost or 500 runs all the same', async () => {
  simulator.faults.set({ dropPromptAnswer: 1 });
  const lost = randomUUID();
  await expect(call(url, 'POST', '/prompt', { prompt: plainImage(1), prompt_id: lost })).rejects.toThrow();
  await ended(url, lost);
  simulator.faults.set({ failPromptAnswer: 1 });
  const failed = randomUUID();
  expect((await call(url, 'POST', '/prompt', { prompt: plainImage(2), prompt_id: failed })).status).toBe(500);
  await ended(url, failed);
  await submit(url, plainImage(3)); // both were for one time only
  expect(simulator.promptIds.slice(0, 2)).toEqual([lost, failed]);
  simulator.faults.set({ refusePrompt: 503 });
  expect((await call(url, 'POST', '/prompt', { prompt: plainImage(4) })).status).toBe(503);
  expect(simulator.posts).toBe(3);
});

test('a held prompt waits until released, and can be interrupted', async () => {
  simulator.faults.set({ holdAt: 'KSampler' });
  const released = await submit(url, textToImage());
  await expect.poll(() => simulator.nodesRun).toBe(4);
  expect((await call(url, 'GET', `/api/jobs/${released}`)).json.status).toBe('in_progress');
  simulator.faults.set({ holdAt: null });
  expect((await ended(url, released)).status.status_str).toBe('success');

  simulator.faults.current.hold = true;
  const interrupted = await submit(url, plainImage(1));
  await expect.poll(() => simulator.started.includes(interrupted)).toBe(true);
  await call(url, 'POST', '/interrupt', { prompt_id: interrupted });
  expect((await ended(url, interrupted)).status.messages.at(-1)[0]).toBe('execution_interrupted');
});

test('a dead worker does not hear an interrupt', async () => {
  simulator.faults.set({ deadWorker: true });
  const id = await submit(url, plainImage(1));
  await expect.poll(() => simulator.started).toEqual([id]);
  expect((await call(url, 'POST', `/api/jobs/${id}/cancel`)).json).toEqual({ cancelled: true });
  // Another request and its answer have gone by: an interruptible prompt would have ended in that time.
  await call(url, 'GET', '/history');
  expect((await call(url, 'GET', `/api/jobs/${id}`)).json.status).toBe('in_progress');
  simulator.faults.reset();
  expect((await ended(url, id)).status.status_str).toBe('error');
});

test('sockets fall silent, lose the end, or break', async () => {
  const id = randomUUID();
  const socket = await connect(url, id);
  simulator.faults.set({ loseFinalMessages: true });
  const first = await submit(url, plainImage(1), { client_id: id });
  await ended(url, first);
  simulator.faults.set({ loseFinalMessages: false, socketSilent: true });
  const second = await submit(url, plainImage(2), { client_id: id });
  await ended(url, second);
  simulator.faults.set({ socketSilent: false });
  const third = await submit(url, plainImage(3), { client_id: id });
  await socket.until(over(third));
  const about = (prompt: string) =>
    socket
      .json()
      .filter(({ data }) => data.prompt_id === prompt)
      .map(({ type }) => type);
  expect(about(first)).toContain('executed');
  expect(about(first)).not.toContain('execution_success');
  expect(about(second)).toEqual([]);

  simulator.faults.set({ socketDeaf: true });
  const deaf = await connect(url, randomUUID()); // greeted all the same
  await ended(url, await submit(url, plainImage(4), { client_id: id }));
  expect(deaf.messages).toHaveLength(1);

  const closed = once(socket.socket, 'close');
  simulator.faults.set({ closeSockets: true });
  expect((await closed)[0]).toBe(1006);
});

test('files are missing, cut or garbage', async () => {
  const view = async (graph: object) => {
    const entry = await ended(url, await submit(url, graph));
    return url + viewPath(entry.outputs['2'].images[0]);
  };
  const path = await view(plainImage(1));
  simulator.faults.set({ truncateView: 1 });
  await expect(fetch(path).then((response) => response.arrayBuffer())).rejects.toThrow();
  simulator.faults.set({ viewStatus: 404 });
  expect((await fetch(path)).status).toBe(404);
  simulator.faults.set({ reset: true, garbageView: 1 });
  expect(Buffer.from(await (await fetch(path)).arrayBuffer()).toString('latin1', 1, 4)).not.toBe('PNG');
  simulator.faults.set({ missingFiles: true });
  expect((await fetch(await view(plainImage(2)))).status).toBe(404);
  simulator.faults.set({ reset: true, noOutputs: true });
  const entry = await ended(url, await submit(url, plainImage(3)));
  expect([entry.status.status_str, entry.outputs]).toEqual(['success', {}]);
});

test('nodes raise, or run out of memory', async () => {
  simulator.faults.set({ nodeError: { kind: 'oom', node: 'KSampler', times: 1 } });
  const oom = await ended(url, await submit(url, textToImage()));
  expect(oom.status.messages.at(-1)[1]).toMatchObject({
    node_id: '3',
    exception_type: 'torch.OutOfMemoryError',
    exception_message: expect.stringContaining('ran out of memory on your GPU'),
  });
  expect((await ended(url, await submit(url, textToImage()))).status.status_str).toBe('success');
  simulator.faults.set({ nodeError: { message: 'boom', node: '2' } });
  const failed = await ended(url, await submit(url, plainImage(5)));
  expect(failed.status.messages.at(-1)[1]).toMatchObject({ exception_type: 'Exception', exception_message: 'boom\n' });
});

test('history is late, broken or not JSON', async () => {
  const id = await submit(url, plainImage(1));
  await ended(url, id);
  simulator.faults.set({ hideHistory: 1 });
  expect((await call(url, 'GET', `/history/${id}`)).json).toEqual({});
  expect((await call(url, 'GET', `/history/${id}`)).json[id]).toBeDefined();
  simulator.faults.set({ historyStatus: 500 });
  expect((await call(url, 'GET', `/history/${id}`)).status).toBe(500);
  expect((await call(url, 'GET', `/api/jobs/${id}`)).status).toBe(500);
  simulator.faults.set({ historyStatus: null, nanInHistory: true });
  const { text } = await call(url, 'GET', `/history/${id}`);
  expect(text).toContain('NaN');
  expect(JSON.parse(text.replace('NaN', '0'))[id].outputs['2'].images).toHaveLength(1);
});

test('HTTP is refused, cut, garbled or slow', async () => {
  simulator.faults.set({ httpStatus: 503 });
  expect((await call(url, 'GET', '/queue')).status).toBe(503);
  simulator.faults.set({ reset: true, httpReset: 1 });
  await expect(call(url, 'GET', '/queue')).rejects.toThrow();
  simulator.faults.set({ httpGarbage: 1 });
  const garbled = await call(url, 'GET', '/queue');
  expect([garbled.status, garbled.json]).toEqual([200, null]);
  simulator.faults.set({ httpDelayMs: 120 });
  const start = performance.now();
  await call(url, 'GET', '/queue');
  expect(performance.now() - start).toBeGreaterThan(110);
});

test('strange messages come in between', async () => {
  const id = randomUUID();
  const socket = await connect(url, id);
  simulator.faults.set({ foreignMessages: true, messageDelayMs: 5 });
  const prompt = await submit(
    url,
    { '1': node('PrimitiveInt', { value: 3 }), '2': node('PreviewAny', { source: ['1', 0] }) },
    { client_id: id },
  );
  await socket.until(over(prompt));
  expect(socket.json('custom.unknown').length).toBeGreaterThan(0);
  expect(socket.frames().length).toBeGreaterThan(0);
  await socket.close();
});
