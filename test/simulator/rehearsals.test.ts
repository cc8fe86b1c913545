import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseFault } from '../../src/simulator/faults.ts';
import { setFaults } from '../../src/simulator/set-faults.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { call, connect, ended, node, over, plainImage, submit, textToImage, viewPath } from './client.ts';

let simulator: Simulator;
let url: string;
/** What restarts wait for. */
let away: PromiseWithResolvers<void>;
beforeEach(async () => {
  away = Promise.withResolvers();
  simulator = await startSimulator({ speed: Number.POSITIVE_INFINITY, sleep: () => away.promise });
  url = simulator.url;
});
afterEach(() => simulator.close());

/** Lets it come back, and asks until it answers. */
async function back() {
  away.resolve();
  const answered = () =>
    call(url, 'GET', '/prompt').then(
      ({ json }) => json,
      () => null,
    );
  await expect.poll(answered).toEqual({ exec_info: { queue_remaining: 0 } });
}

test('a restart keeps files and forgets everything else; sockets break', async () => {
  const socket = await connect(url, randomUUID());
  const kept = await submit(url, plainImage(1));
  const entry = await ended(url, kept);
  simulator.faults.set({ hold: true });
  const [running, waiting] = [await submit(url, plainImage(2)), await submit(url, plainImage(3))];
  await expect.poll(() => simulator.started.includes(running)).toBe(true);

  await call(url, 'POST', '/simulator/faults', { restart: 1, hold: false });
  await expect(call(url, 'GET', '/prompt')).rejects.toThrow();
  await expect.poll(() => socket.socket.readyState).toBe(socket.socket.CLOSED);
  await back();
  for (const id of [kept, running, waiting]) {
    expect((await call(url, 'GET', `/history/${id}`)).json).toEqual({});
    expect((await call(url, 'GET', `/api/jobs/${id}`)).status).toBe(404);
  }
  expect((await call(url, 'GET', viewPath(entry.outputs['2'].images[0]))).status).toBe(200);
  const answer = await call(url, 'POST', '/prompt', { prompt: plainImage(4) });
  expect(answer.json.number).toBe(0);
  await ended(url, answer.json.prompt_id);
});

test.for(['accepted', 'running', 'ended'] as const)('restarts once when a prompt was %s', async (restartWhen) => {
  simulator.faults.set({ restartWhen });
  const id = await submit(url, plainImage(1));
  await expect.poll(() => simulator.faults.current.restartWhen).toBeNull();
  await expect(call(url, 'GET', '/prompt')).rejects.toThrow();
  await back();
  expect((await call(url, 'GET', `/api/jobs/${id}`)).status).toBe(404);
  await ended(url, await submit(url, plainImage(1)));
});

test('a dead worker comes back with a restart', async () => {
  simulator.faults.set({ deadWorker: true });
  await submit(url, plainImage(1));
  await expect.poll(() => simulator.started.length).toBe(1);
  simulator.faults.set({ restart: 0 });
  await back();
  await ended(url, await submit(url, plainImage(1)));
});

test('a poisoned entry spoils the whole history until it is deleted', async () => {
  simulator.faults.set({ poisonHistory: 1 });
  const id = await submit(url, plainImage(1));
  const statuses = () =>
    Promise.all(
      ['/history', `/history/${id}`, `/api/jobs/${id}`].map(async (path) => (await call(url, 'GET', path)).status),
    );
  await expect.poll(statuses).toEqual([500, 500, 500]);
  expect((await call(url, 'GET', '/api/jobs')).json.jobs).toHaveLength(1);
  expect((await call(url, 'GET', `/history/${randomUUID()}`)).json).toEqual({});
  await call(url, 'POST', '/history', { delete: [id] });
  expect(await statuses()).toEqual([200, 200, 404]);
});

test('somebody clears the history as soon as a prompt has ended', async () => {
  const id = randomUUID();
  const socket = await connect(url, id);
  simulator.faults.set({ clearHistory: 1 });
  const prompt = await submit(url, plainImage(1), { client_id: id });
  await socket.until(over(prompt));
  expect((await call(url, 'GET', `/history/${prompt}`)).json).toEqual({});
});

test('a graph is taken without its last output', async () => {
  simulator.faults.set({ dropOutput: 1 });
  const graph = { ...plainImage(1), '9': node('PreviewImage', { images: ['1', 0] }) };
  const answer = await call(url, 'POST', '/prompt', { prompt: graph });
  expect(answer.status).toBe(200);
  const [dropped] = Object.keys(answer.json.node_errors);
  expect(answer.json.node_errors[dropped ?? '']).toMatchObject({ dependent_outputs: [dropped] });
  const { outputs } = await ended(url, answer.json.prompt_id);
  expect(Object.keys(outputs)).toEqual(['2', '9'].filter((output) => output !== dropped));
});

test('names are used again for other bytes', async () => {
  const images = async (color: number) => (await ended(url, await submit(url, plainImage(color)))).outputs['2'].images;
  const [first] = await images(1);
  const bytes = async () => (await call(url, 'GET', viewPath(first))).text;
  const before = await bytes();
  simulator.faults.set({ reuseNames: true });
  expect(await images(0xffffff)).toEqual([first]);
  expect(await bytes()).not.toBe(before);
});

test('a late cycle is called a success by history, and an error by its messages', async () => {
  simulator.faults.set({ lateCycle: true });
  const { status } = await ended(url, await submit(url, plainImage(1)));
  expect(status).toMatchObject({ status_str: 'success', completed: true });
  expect(status.messages.at(-1)[0]).toBe('execution_error');
});

test('a blocked input is told as an error of a prompt that ends well', async () => {
  const id = randomUUID();
  const socket = await connect(url, id);
  simulator.faults.set({ blockedInput: true, extraNodes: 2_000 });
  const prompt = await submit(url, textToImage(), { client_id: id });
  await socket.until(over(prompt));
  const types = socket.json().map(({ type }) => type);
  expect(types.indexOf('execution_error')).toBeLessThan(types.indexOf('execution_success'));
  expect(socket.json('execution_error')[0]?.data.exception_type).toBe('ExecutionBlocked');
  expect(Object.keys(socket.json('progress_state')[0]?.data.nodes).length).toBeGreaterThan(2_000);
  const { status } = await ended(url, prompt);
  expect(status.messages.map(([type]: [string]) => type)).not.toContain('execution_error');
});

test('faults are set from a command line', async () => {
  expect(await setFaults(url, [parseFault('hold'), parseFault('httpDelayMs=1')])).toEqual({
    hold: true,
    httpDelayMs: 1,
  });
  expect(await setFaults(url, [parseFault('nodeError={"kind":"oom"}'), parseFault('hold=false')])).toMatchObject({
    nodeError: { kind: 'oom' },
  });
  expect(await setFaults(url, [parseFault('reset')])).toEqual({});
  expect(parseFault('holdAt=KSampler')).toEqual({ holdAt: 'KSampler' });
  expect(() => parseFault('typo=1')).toThrow(/there is no fault "typo"; there are .*dropPromptAnswer/);
  expect(() => parseFault('httpStatus=200')).toThrow(/httpStatus: /);
  await expect(setFaults('http://127.0.0.1:1', [])).rejects.toThrow('no simulator answers at http://127.0.0.1:1');
});
