import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { BackendReport } from '../../../src/backends/backends.ts';
import { answerForms, parseForm } from '../../../worker/comfyui/answers.ts';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { createComfyHttp } from '../../../worker/comfyui/http.ts';
import { MOST_OUTPUTS } from '../../../worker/comfyui/outputs.ts';
import { createAnswerParser } from '../../../worker/comfyui/parse-answer.ts';
import { isolateOutputs, promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { scrub } from '../../../worker/comfyui/redact.ts';
import { collectWebsocketImages } from '../../../worker/outputs/websocket-images.ts';
import { startMonitor } from '../../../worker/pool/monitor.ts';
import { createStallWatch } from '../../../worker/pool/stall-watch.ts';
import { silent } from '../../support/gateway-store.ts';
import { listen } from '../../support/listen.ts';

const MIB = 1024 * 1024;

test('an answer of ComfyUI may have as many bytes as it is given, and not one more', async () => {
  const { maxBytes } = answerForms.queueLength;
  const text = '{"exec_info":{"queue_remaining":3}}';
  const answer = (bytes: number) => text + ' '.repeat(bytes - text.length);
  const http = createComfyHttp(await listen(({ url }, res) => void res.end(answer(Number(url?.slice(1))))));
  onTestFinished(() => http.close());
  expect(await http.get(`/${maxBytes}`, 'queueLength')).toEqual({ exec_info: { queue_remaining: 3 } });
  await expect(http.get(`/${maxBytes + 1}`, 'queueLength')).rejects.toMatchObject({ failure: 'invalid' });
});

test('of pictures over the socket, one more is kept than may be delivered', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-images-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await using images = collectWebsocketImages({ '2': { class_type: 'SaveImageWebsocket', inputs: {} } }, dir);
  for (let i = 0; i < MOST_OUTPUTS + 5; i++) images.onFrame('2', Buffer.from('x'));
  expect(await images.images()).toHaveLength(MOST_OUTPUTS + 1);
  // The job fails of them: they are not missed, since another run would send as many.
  images.onMessage({ type: 'progress', data: { prompt_id: 'p', node: '2', value: 1, max: MOST_OUTPUTS + 5 } });
  expect(images.missing(null)).toEqual([]);
});

test('B13 of pictures over the socket, 128 MiB wait for the disk, and what comes beyond them is missed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-images-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await using images = collectWebsocketImages({ '2': { class_type: 'SaveImageWebsocket', inputs: {} } }, dir);
  images.onMessage({ type: 'execution_start', data: { prompt_id: 'p' } });
  images.onMessage({ type: 'execution_success', data: { prompt_id: 'p' } });
  const picture = Buffer.alloc(50 * MIB);
  for (let i = 0; i < 2; i++) images.onFrame('2', picture);
  expect(images.missing(null)).toEqual([]);
  images.onFrame('2', picture);
  expect(images.missing(null)).toEqual(['2']);
  expect(await images.images()).toHaveLength(2);
});

test('B13 of all answers of a server that are being read, 64 MiB are held, and room comes back', async () => {
  const unfinished = new Set<ServerResponse>();
  const address = await listen((_req, res) => {
    unfinished.add(res);
    res.write(Buffer.alloc(20 * MIB, ' '));
  });
  const http = createComfyHttp(address);
  onTestFinished(() => http.close());
  const get = () => http.get('/x', 'objectInfo', { timeoutMs: 60_000 });
  const calls = Array.from({ length: 4 }, get);
  await expect(Promise.race(calls)).rejects.toMatchObject({ failure: 'invalid' });
  for (const res of unfinished) res.end('{}');
  const ends = await Promise.allSettled(calls);
  expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
  const next = get();
  await vi.waitFor(() => expect(unfinished.size).toBe(5));
  for (const res of unfinished) res.end('{}');
  expect(await next).toEqual(new Map());
});

test('B13 of large answers that are to be parsed, 64 MiB are held, and room comes back', async () => {
  const parse = createAnswerParser();
  const bytes = Buffer.concat([Buffer.alloc(30 * MIB, ' '), Buffer.from('{}')]);
  const ends = await Promise.allSettled(Array.from({ length: 3 }, () => parse('objectInfo', bytes)));
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(await parse('objectInfo', bytes)).toEqual(new Map());
});

test('B13 the name that a server gives to an uploaded file is no longer than one may be', () => {
  const answer = (name: string) => parseForm('uploaded', Buffer.from(JSON.stringify({ name })));
  expect(answer('x'.repeat(255))).toMatchObject({ name: 'x'.repeat(255) });
  expect(() => answer('x'.repeat(256))).toThrow();
});

test('B13 of the models that a server names 5,000 are shown, and no paths of its machine', async () => {
  const models = [
    '/srv/a.ckpt',
    'C:\\a.ckpt',
    'x'.repeat(256),
    ...Array.from({ length: 6_000 }, (_, i) => `${i}.ckpt`),
  ];
  const answers: { [path: string]: unknown } = {
    '/api/system_stats': { system: { comfyui_version: '0.33.0' }, devices: [] },
    '/api/prompt': { exec_info: { queue_remaining: 0 } },
    '/api/object_info': {},
    '/api/object_info/Load': { Load: { input: { required: { name: [models] } } } },
  };
  const http = createComfyHttp(await listen(({ url = '' }, res) => void res.end(JSON.stringify(answers[url]))));
  onTestFinished(() => http.close());
  const seen = Promise.withResolvers<BackendReport>();
  const monitor = startMonitor({
    name: 'a',
    client: createComfyClient(http),
    stalls: createStallWatch({ notTakenMs: 1, outlivedMs: 1, longestMs: 1, leftAloneMs: 1 }),
    modelInputs: () => ['Load.name'],
    publish: async () => 'hash',
    log: silent,
    onTurn: () => undefined,
    onSeen: seen.resolve,
  });
  onTestFinished(() => monitor.close());
  const shown = (await seen.promise).models['Load.name'];
  expect([shown?.length, shown?.[0], shown?.at(-1)]).toEqual([5_000, '0.ckpt', '4999.ckpt']);
});

test('a node of whatever name makes a prefix of its own that is no path and not too long for one', () => {
  const promptId = promptIdOf('0190c7a0-0000-7000-8000-000000000000', 1);
  const id = `../${'a/'.repeat(100)}`;
  const node = { class_type: 'SaveImage', inputs: { filename_prefix: 'x' } };
  const prefix = String(isolateOutputs({ [id]: node }, promptId, null)[id]?.inputs.filename_prefix);
  expect(prefix).toMatch(new RegExp(`^comfygate-${promptId}-[A-Za-z0-9_-]{64}$`));
});

test('B13 only the first two thousand characters of a text from ComfyUI are searched and shown', () => {
  const long = `/${'a'.repeat(1_999)}`;
  expect(scrub(long)).toBe('[path]');
  expect(scrub(`${long} /home/me/secret`)).toBe('[path]');
});

test('of the devices that a server has the first sixteen are told, without what names its machine', async () => {
  const devices = Array.from({ length: 40 }, (_, i) => ({ name: `cuda:${i} at /dev/nvidia${i}`, type: 'cuda' }));
  const http = createComfyHttp(
    await listen((_req, res) => void res.end(JSON.stringify({ system: { comfyui_version: '0.33.0' }, devices }))),
  );
  onTestFinished(() => http.close());
  const told = (await createComfyClient(http).systemStats({})).devices;
  expect(told).toEqual(Array.from({ length: 16 }, (_, i) => `cuda:${i} at [path]`));
});
