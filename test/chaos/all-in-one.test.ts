import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { commandLineOf, endProcess, isAlive } from '../../src/embedded/process-info.ts';
import { freePort } from '../support/free-port.ts';
import { createGatewayClient } from '../support/gateway-client.ts';
import { startScript, tempFolder } from '../support/process.ts';
import { eventually } from '../support/product.ts';

const START_TIMEOUT_MS = 120_000;

/** Everything in one process tree on a data folder, as `npm start` runs it; to be started again and again. */
async function installation(test: TestContext) {
  const folder = await tempFolder();
  test.onTestFinished(folder.remove);
  const seen = new Set<number>();
  const redisPid = async () => {
    const pid = Number(await readFile(join(folder.path, 'redis', 'redis.pid'), 'utf8'));
    seen.add(pid);
    return pid;
  };
  // Where a test ends before its second start has ended it, the Redis of the first is still there.
  test.onTestFinished(async () => {
    for (const pid of seen) if (commandLineOf(pid).includes(folder.path)) await endProcess(pid, 5_000);
  });
  const port = await freePort();
  const texts: string[] = [];
  return {
    ...createGatewayClient(`http://127.0.0.1:${port}`, texts),
    async start(env: Record<string, string> = {}) {
      const all = startScript(['src/main.ts'], {
        PORT: String(port),
        DATA_DIR: folder.path,
        TMPDIR: folder.path,
        ...env,
      });
      test.onTestFinished(async () => {
        await all.stop();
      });
      test.onTestFailed(() => console.error(all.output()));
      await all.until('GraphiQL:', START_TIMEOUT_MS);
      return all;
    },
    dataDir: folder.path,
    /** The Redis that its own pid file names. */
    redisPid,
  };
}

/** Some seconds of work: the embedded simulator takes its time with each step. */
const LONG = { parameters: { steps: 12 } };

describe.concurrent('everything in one', { timeout: 240_000 }, () => {
  it('SIGKILL during a job, then a start on the same data: there is one Redis, and the job finishes', async (test) => {
    const product = await installation(test);
    const first = await product.start();
    const done = (await product.watch((await product.generate()).id).end()).job;
    const job = await product.generate(LONG);
    await product.watch(job.id, { once: true }).until(({ job: { progress } }) => progress.fraction > 0);
    const queued = await Promise.all([product.generate(LONG), product.generate(), product.generate()]);
    const orphan = await product.redisPid();
    await first.kill();

    await product.start();
    const redis = await product.redisPid();
    expect(redis).not.toBe(orphan);
    expect(isAlive(redis)).toBe(true);
    await eventually(async () => !isAlive(orphan), 'the old Redis is gone');
    const ends = await Promise.all([job, ...queued].map(({ id }) => product.watch(id).end(90_000)));
    expect(ends.map(({ type }) => type)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
    for (const { job: ended } of ends) await product.expectWhole(ended);
    // What was there before is there still, and its address is good at the new process.
    expect(await product.job(done.id)).toMatchObject({ status: 'SUCCEEDED', seq: done.seq });
    await product.expectWhole(done);
  });

  it('Ctrl-C during a job and a start again: exit code 0, nothing left running, the job is finished', async (test) => {
    const product = await installation(test);
    // Shorter than the job takes: it is handed over, to a simulator that has never heard of it.
    const first = await product.start({ SHUTDOWN_TIMEOUT: '5' });
    const job = await product.generate({ parameters: { steps: 24 } });
    await product.watch(job.id, { once: true }).until(({ job: { progress } }) => progress.fraction > 0);
    const redis = await product.redisPid();
    first.signal('SIGINT');
    expect(await first.exited).toBe(0);
    expect(isAlive(redis)).toBe(false);

    await product.start();
    const { job: ended } = await product.watch(job.id).end(90_000);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 2 });
    await product.expectWhole(ended);
  });

  it('a second one on the same data folder is refused, and does the first no harm', async (test) => {
    const product = await installation(test);
    await product.start();
    const redis = await product.redisPid();
    const second = startScript(['src/main.ts'], { PORT: '0', DATA_DIR: product.dataDir });
    expect(await second.exited).toBeGreaterThan(0);
    expect(second.output()).toContain('DATA_DIR');
    expect(second.output()).not.toContain('    at ');
    expect(await product.redisPid()).toBe(redis);
    expect((await product.watch((await product.generate()).id).end()).type).toBe('SUCCEEDED');
  });
});
