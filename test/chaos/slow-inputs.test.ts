import { readdir } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testPicture } from '../support/pictures.ts';
import { eventually, type Lifetime, onlySimulator, openProduct } from '../support/product.ts';

/** An address that gives a byte now and then, until it is told to give the picture. */
async function startTrickle(test: Lifetime) {
  const picture = await testPicture(64, 64).png().toBuffer();
  const asked = new Set<ServerResponse>();
  let open = false;
  const give = (res: ServerResponse) => res.end(picture.subarray(1));
  const server = createServer((_req, res) => {
    asked.add(res);
    res.on('close', () => asked.delete(res));
    res.writeHead(200, { 'content-length': picture.length }).write(picture.subarray(0, 1));
    if (open) give(res);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  test.onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  return {
    origin,
    /** Answers under way. */
    get waiting() {
      return asked.size;
    },
    give() {
      open = true;
      for (const res of asked) give(res);
    },
  };
}

describe('input files that come slowly', { timeout: 240_000 }, () => {
  it('B12 hold no slot: other jobs get the idle server, and theirs run once they are there', async (test) => {
    const slow = await startTrickle(test);
    const product = await openProduct(test, { env: { INPUT_ORIGINS: slow.origin } });
    const simulator = onlySimulator(product);
    const [gateway] = await Promise.all([product.gateway(), product.worker()]);
    const upscale = (name: string, input: object = {}) =>
      gateway.generate({
        input: { workflow: { upscale: { image: { url: `${slow.origin}/${name}.png` } } }, ...input },
      });
    const trickled = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => upscale(name)));
    // Of one caller four at a time.
    await eventually(() => slow.waiting === 4, 'addresses are asked');

    const began = performance.now();
    const others = await Promise.all(Array.from({ length: 4 }, () => gateway.generate()));
    for (const { id } of others) expect((await gateway.watch(id).end(20_000)).job.status).toBe('SUCCEEDED');
    console.info(`B12 four other jobs took ${Math.round(performance.now() - began)} ms`);
    expect(slow.waiting).toBe(4);
    const seen = await Promise.all(trickled.map(({ id }) => gateway.job(id)));
    expect(seen.map((job) => [job?.status, job?.attempts])).toEqual(trickled.map(() => ['QUEUED', 0]));

    slow.give();
    for (const { id } of trickled) expect((await gateway.watch(id).end()).job.status).toBe('SUCCEEDED');
    expect(simulator.posts).toBe(10);
  });

  it('B12 are given up with their job, and a worker that dies with them leaves nothing behind', async (test) => {
    const slow = await startTrickle(test);
    const product = await openProduct(test, { env: { INPUT_ORIGINS: slow.origin } });
    const [gateway, first] = await Promise.all([product.gateway(), product.worker()]);
    const image = { url: `${slow.origin}/a.png` };
    const upscale = (input: object = {}) => gateway.generate({ input: { workflow: { upscale: { image } }, ...input } });
    const canceled = await upscale();
    const overdue = await upscale({ deadlineSeconds: 4 });
    await eventually(() => slow.waiting === 2, 'both are fetched');
    await gateway.cancel(canceled.id);
    expect((await gateway.watch(canceled.id).end()).job.status).toBe('CANCELED');
    await eventually(() => slow.waiting === 1, 'the file of the cancelled job is given up');
    expect((await gateway.watch(overdue.id).end()).job).toMatchObject({ status: 'FAILED', attempts: 0 });
    await eventually(() => slow.waiting === 0, 'the file of the overdue job is given up');

    const left = await upscale();
    await eventually(() => slow.waiting === 1, 'it is fetched');
    const { TMPDIR = '' } = product.env;
    const folders = async () => (await readdir(TMPDIR)).filter((name) => name.startsWith('comfygate-worker-'));
    const filesIn = async (names: string[]) =>
      (await Promise.all(names.map((name) => readdir(join(TMPDIR, name))))).flat();
    await eventually(async () => (await filesIn(await folders())).length === 1, 'its file is begun');
    await first.kill();
    slow.give();
    await product.worker();
    expect((await gateway.watch(left.id).end(60_000)).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(await folders()).toHaveLength(1);
    await eventually(async () => (await filesIn(await folders())).length === 0, 'nothing is left');
  });
});
