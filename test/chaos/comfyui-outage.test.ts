import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { freePort } from '../support/free-port.ts';
import { eventually, onlySimulator, openProduct } from '../support/product.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

describe.concurrent('ComfyUI that breaks', { timeout: 240_000 }, () => {
  it('away at the start and again for a while: jobs wait, and no attempt is counted', async (test) => {
    const port = await freePort();
    const product = await openProduct(test, { simulators: 0 });
    const gateway = await product.both({ COMFYUI_URLS: `comfy1=http://127.0.0.1:${port}` });
    const first = await gateway.generate();
    await gateway.process.until('"status":"DOWN"');
    expect(await gateway.job(first.id)).toMatchObject({ status: 'QUEUED', attempts: 0 });
    const simulator = await startSimulator({ port });
    test.onTestFinished(simulator.close);
    expect((await gateway.watch(first.id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });

    await simulator.close();
    const second = await gateway.generate();
    const watching = gateway.watch(second.id);
    // Until the look that comes every two seconds has seen it, a job may be begun and put back.
    await eventually(() => gateway.process.output().split('"status":"DOWN"').length > 2, 'it is seen to be away');
    await eventually(async () => (await gateway.job(second.id))?.status === 'QUEUED', 'the job waits');
    const again = await startSimulator({ port });
    test.onTestFinished(again.close);
    expect((await watching.end()).job).toMatchObject({ status: 'SUCCEEDED' });
    expect(await product.admin.hget(product.keys.job(second.id), 'failures')).toBe('0');
    expect(again.posts).toBe(1);
  });

  it('not seen for NO_BACKEND_GRACE: jobs are UNAVAILABLE until one is back, and the key stays valid', async (test) => {
    const product = await openProduct(test, { env: { NO_BACKEND_GRACE: '1' } });
    const gateway = await product.gateway();
    const key = randomUUID();
    const unavailable = await vi.waitFor(async () => {
      const answer = await gateway.tryGenerate();
      expect(answer).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
      return answer;
    }, 20_000);
    expect(unavailable.errors[0]?.message).toContain('ComfyUI');
    expect(await gateway.tryGenerate({ key })).toMatchObject({ status: 503 });
    await product.worker();
    await eventually(async () => (await gateway.tryGenerate({ key })).errors.length === 0, 'it is accepted');
    expect((await gateway.watch((await gateway.generate({ key })).id).end()).type).toBe('SUCCEEDED');
  });

  it('C14 dies in the middle of a prompt and comes back empty: the prompt is submitted again, once', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const gateway = await product.both();
    simulator.faults.current.holdAt = 'KSampler';
    const job = await gateway.generate();
    const watching = gateway.watch(job.id, { once: true });
    await watching.until(({ job: { progress } }) => progress.node?.classType === 'KSampler');
    await simulator.close();
    const again = await product.restartSimulator(0);
    product.ledger.mended();

    const { job: ended } = await watching.end();
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect([simulator.posts, again.posts]).toEqual([1, 1]);
    expect(again.promptIds).not.toEqual(simulator.promptIds);
    await gateway.expectWhole(ended);
  });

  it('C15 takes a prompt and drops the answer, or answers 500: there is no second one', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const wire = await startTcpProxy(simulator.port);
    test.onTestFinished(wire.close);
    const gateway = await product.both({ COMFYUI_URLS: `comfy1=http://127.0.0.1:${wire.port}` });
    simulator.faults.current.dropPromptAnswer = 1;
    const dropped = await gateway.generate();
    expect((await gateway.watch(dropped.id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(simulator.posts).toBe(1);

    simulator.faults.current.failPromptAnswer = 1;
    const failed = await gateway.generate();
    expect((await gateway.watch(failed.id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(simulator.posts).toBe(2);

    const lost = wire.loseReplyTo('POST /api/prompt');
    const reset = await gateway.generate();
    await lost;
    expect((await gateway.watch(reset.id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(simulator.posts).toBe(3);
  });

  it('C16 returns unusable results: the job fails with the right code, and reveals nothing internal', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const gateway = await product.both();
    const endOfNext = async () => (await gateway.watch((await gateway.generate()).id).end()).job.error;

    simulator.faults.set({
      nodeError: {
        node: 'KSampler',
        message: `cannot reach ${simulator.url}/x\nTraceback (most recent call last):\n  File "/tmp/secret/nodes.py"`,
      },
    });
    expect(await endOfNext()).toMatchObject({ code: 'EXECUTION_FAILED', retryable: false });
    simulator.faults.set({ reset: true, nodeError: { kind: 'oom' } });
    expect(await endOfNext()).toMatchObject({ code: 'OUT_OF_MEMORY' });
    simulator.faults.set({ reset: true, noOutputs: true });
    expect(await endOfNext()).toMatchObject({ code: 'NO_OUTPUT' });
    simulator.faults.set({ reset: true, missingFiles: true });
    expect(await endOfNext()).toMatchObject({ code: 'OUTPUT_INVALID' });
    simulator.faults.set({ reset: true, garbageView: true });
    expect(await endOfNext()).toMatchObject({ code: 'OUTPUT_INVALID' });
    simulator.faults.set({ reset: true, truncateView: 1 });
    expect(await endOfNext()).toBeNull();
    simulator.faults.set({ reset: true, httpGarbage: 2 });
    expect(await endOfNext()).toBeNull();
  });

  it('C17 says nothing on its socket, or loses its last messages: looking finds the end', async (test) => {
    const product = await openProduct(test);
    const simulator = onlySimulator(product);
    const gateway = await product.both();
    for (const patch of [
      { socketSilent: true },
      { loseFinalMessages: true },
      { refuseSocket: 503, closeSockets: true },
    ]) {
      simulator.faults.set({ reset: true, ...patch });
      const job = await gateway.generate();
      expect((await gateway.watch(job.id).end()).job).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    }
    expect(simulator.posts).toBe(3);
  });
});
