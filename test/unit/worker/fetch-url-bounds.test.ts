import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fetchUrl } from '../../../worker/inputs/fetch-url.ts';
import { listen } from '../../support/listen.ts';

const MAX_BYTES = 1_000;

/** A server of an origin that the configuration names, and a fetch of a path of it. */
async function serve(handle: RequestListener) {
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-fetch-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const origin = await listen(handle);
  const signal = AbortSignal.timeout(20_000);
  return {
    dir,
    ask: (path: string) => fetchUrl(origin + path, { dir, maxBytes: MAX_BYTES, origins: [origin], signal }),
  };
}

test('three redirects are followed, and not a fourth', async () => {
  const asked: string[] = [];
  const { ask } = await serve(({ url = '' }, res) => {
    asked.push(url);
    const left = Number(url.slice(1));
    if (left > 0) res.writeHead(302, { location: `/${left - 1}` }).end();
    else res.end('the file');
  });
  expect(await ask('/3')).toMatchObject({ sizeBytes: 'the file'.length });
  expect(asked.splice(0)).toEqual(['/3', '/2', '/1', '/0']);
  await expect(ask('/4')).rejects.toMatchObject({ name: 'InputFault', message: expect.stringContaining('too often') });
  expect(asked).toEqual(['/4', '/3', '/2', '/1']);
});

test.each([
  ['announced', true],
  ['that comes without its length', false],
])('a file %s may have as many bytes as are allowed, and not one more', async (_how, announced) => {
  const { dir, ask } = await serve(({ url = '' }, res) => {
    const sizeBytes = Number(url.slice(1));
    res.writeHead(200, announced ? { 'content-length': sizeBytes } : { 'transfer-encoding': 'chunked' });
    res.end(Buffer.alloc(sizeBytes));
  });
  const file = await ask(`/${MAX_BYTES}`);
  expect(file.sizeBytes).toBe(MAX_BYTES);
  await file.dispose();
  const refused = { name: 'InputFault', message: `An input file is larger than ${MAX_BYTES} bytes` };
  await expect(ask(`/${MAX_BYTES + 1}`)).rejects.toMatchObject(refused);
  expect(await readdir(dir)).toEqual([]);
});
