import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { call, connect, ended, node, over, plainImage, submit, textToImage } from './client.ts';

let simulator: Simulator;
let url: string;
beforeEach(async () => {
  simulator = await startSimulator();
  url = simulator.url;
});
afterEach(() => simulator.close());

test('the newest socket takes an id, and dies with the older one', async () => {
  const id = randomUUID();
  const older = await connect(url, id);
  const newer = await connect(url, id);
  const first = await submit(url, plainImage(1), { client_id: id });
  await newer.until(over(first));
  expect(older.json('executing')).toEqual([]);

  await older.close();
  await expect.poll(() => simulator.sockets).toBe(1);
  const count = newer.messages.length;
  await ended(url, await submit(url, plainImage(2), { client_id: id }));
  const witness = await connect(url, randomUUID());
  expect(newer.messages).toHaveLength(count); // deaf: not even a status
  await Promise.all([newer.close(), witness.close()]);
});

test('a client without an id is given one', async () => {
  const socket = await connect(url, '');
  expect(socket.json('status')[0]?.data.sid).toMatch(/^[0-9a-f]{32}$/);
  await socket.close();
});

test('a client that comes back to its running prompt is told the node', async () => {
  const id = randomUUID();
  simulator.faults.set({ holdAt: 'KSampler' });
  await submit(url, textToImage(), { client_id: id });
  await expect.poll(() => simulator.nodesRun).toBe(4);
  const socket = await connect(url, id);
  const message = await socket.until(({ type }) => type === 'executing');
  expect(message.data).toEqual({ node: '3' });
  await socket.close();
});

test('progress is throttled: always the first and the last, between them at most one in 100 ms', async () => {
  let now = 1_000_000;
  await using timed = await startSimulator({ speed: Number.POSITIVE_INFINITY, now: () => now });
  const id = randomUUID();
  const socket = await connect(timed.url, id);
  const still = await submit(timed.url, textToImage({ steps: 25 }), { client_id: id });
  await socket.until(over(still));
  const values = (prompt: string) =>
    socket.json('progress').flatMap(({ data }) => (data.prompt_id === prompt ? [data.value] : []));
  expect(values(still)).toEqual([1, 25]);

  timed.faults.set({ holdAt: 'KSampler' });
  const stepwise = await submit(timed.url, textToImage({ steps: 3, seed: 2 }), { client_id: id });
  now += 1000; // the steps come at one moment, a second after the last report of the prompt before
  timed.faults.set({ holdAt: null });
  await socket.until(over(stepwise));
  expect(values(stepwise)).toEqual([1, 3]);
  await socket.close();
});

test('previews come before progress with their metadata, if the client asked for it first', async () => {
  const id = randomUUID();
  const flags = { type: 'feature_flags', data: { supports_preview_metadata: true } };
  const socket = await connect(url, id, flags);
  await socket.until(({ type }) => type === 'feature_flags');
  const more = { client_id: id, extra_data: { preview_method: 'latent2rgb' } };
  const prompt = await submit(url, textToImage({ steps: 2 }), more);
  await socket.until(over(prompt));
  const frames = socket.frames();
  expect(frames).toHaveLength(2);
  const [frame = Buffer.alloc(8)] = frames;
  expect(frame.readUInt32BE(0)).toBe(4);
  const end = 8 + frame.readUInt32BE(4);
  expect(JSON.parse(frame.toString('utf8', 8, end))).toMatchObject({
    node_id: '3',
    prompt_id: prompt,
    image_type: 'image/png',
  });
  expect(frame.toString('latin1', end + 1, end + 4)).toBe('PNG');
  const at = socket.messages.indexOf(frame);
  expect([at - 1, at + 1].map((i) => (socket.messages[i] as { type: string }).type)).toEqual([
    'progress_state',
    'progress',
  ]);
  await socket.close();
});

test('a progress text goes to every socket', async () => {
  const bystander = await connect(url, randomUUID());
  const graph = {
    '1': node('EmptyImage', { width: 10, height: 20, batch_size: 1, color: 0 }),
    '2': node('GetImageSize', { image: ['1', 0] }),
    '3': node('PreviewAny', { source: ['2', 1] }),
  };
  const entry = await ended(url, await submit(url, graph, { client_id: 'somebody' }));
  expect(entry.outputs['3']).toEqual({ text: ['20'] });
  await expect.poll(() => bystander.frames().length).toBe(1);
  const [frame = Buffer.alloc(8)] = bystander.frames();
  expect([frame.readUInt32BE(0), frame.readUInt32BE(4), frame.toString('utf8', 8, 9)]).toEqual([3, 1, '2']);
  await bystander.close();
});

test('an interrupt at the last node comes too late, and one while idle is lost', async () => {
  await call(url, 'POST', '/interrupt', {});
  const id = randomUUID();
  const socket = await connect(url, id);
  const graph = {
    '1': node('EmptyImage', { width: 1024, height: 1024, batch_size: 1, color: 5 }),
    '2': node('ImageAddNoise', { image: ['1', 0], seed: 1, strength: 0.5 }),
    '3': node('SaveImage', { images: ['2', 0], filename_prefix: 'last/x' }),
  };
  const prompt = await submit(url, graph, { client_id: id });
  await socket.until(({ type, data }) => type === 'executing' && data.node === '3');
  await call(url, 'POST', '/interrupt', { prompt_id: prompt });
  expect((await ended(url, prompt)).status.status_str).toBe('success');
  expect(simulator.interrupts).toBe(2);
  await socket.close();
});

test('finished nodes of a failed prompt are cached, and outputs of cached nodes are told again', async () => {
  const id = randomUUID();
  const socket = await connect(url, id);
  const broken = {
    ...plainImage(9, 'ok/x'),
    '3': node('SaveImage', { images: ['1', 0], filename_prefix: '../../out' }),
  };
  const first = await submit(url, broken, { client_id: id });
  await socket.until(over(first));
  const second = await submit(url, plainImage(9, 'ok/x'), { client_id: id });
  await socket.until(over(second));
  const cached = socket.json('execution_cached').find(({ data }) => data.prompt_id === second);
  expect(cached?.data.nodes).toEqual(expect.arrayContaining(['1']));
  const told = socket.json('executed').filter(({ data }) => data.prompt_id === second);
  expect(told).toHaveLength(1);
  await socket.close();
});
