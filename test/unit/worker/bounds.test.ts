import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { answerForms } from '../../../worker/comfyui/answers.ts';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { createComfyHttp } from '../../../worker/comfyui/http.ts';
import { MOST_OUTPUTS } from '../../../worker/comfyui/outputs.ts';
import { isolateOutputs, promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { scrub } from '../../../worker/comfyui/redact.ts';
import { collectWebsocketImages } from '../../../worker/outputs/websocket-images.ts';
import { listen } from '../../support/listen.ts';

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
});

test('a node of whatever name makes a prefix of its own that is no path and not too long for one', () => {
  const promptId = promptIdOf('0190c7a0-0000-7000-8000-000000000000', 1);
  const id = `../${'a/'.repeat(100)}`;
  const node = { class_type: 'SaveImage', inputs: { filename_prefix: 'x' } };
  const prefix = String(isolateOutputs({ [id]: node }, promptId, null)[id]?.inputs.filename_prefix);
  expect(prefix).toMatch(new RegExp(`^comfygate/${promptId}/[A-Za-z0-9_-]{64}$`));
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
