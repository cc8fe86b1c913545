import { expect, test } from 'vitest';
import { unauthenticated } from '../../../src/core/errors.ts';
import { awaitJob, type ToolCall } from '../../../src/mcp/await-job.ts';
import { createOpenCalls } from '../../../src/mcp/calls.ts';
import { testJob, testServices } from '../../support/graph-services.ts';
import { callerNamed } from '../../support/identities.ts';

test('a call is cancelled by its caller, session and number, and only while it is open', () => {
  const calls = createOpenCalls();
  const call = calls.open('shop', 'session', 7);
  for (const [caller, session, id] of [
    ['other', 'session', 7],
    ['shop', 'another', 7],
    ['shop', 'session', 8],
    ['shop', 'session', '7'],
    ['shop', null, 7],
  ] as const) {
    expect(calls.cancel(caller, session, id)).toBe(false);
  }
  expect(call.cancelled.aborted).toBe(false);
  expect(calls.cancel('shop', 'session', 7)).toBe(true);
  expect(call.cancelled.aborted).toBe(true);
  call[Symbol.dispose]();
  expect(calls.cancel('shop', 'session', 7)).toBe(false);
});

/** Whether a call whose client is gone cancels its job. */
async function cancels({
  reason,
  closing = false,
  leavingCancels = true,
}: {
  reason?: Error;
  closing?: boolean;
  leavingCancels?: boolean;
}) {
  const job = testJob({ status: 'RUNNING' });
  const canceled: string[] = [];
  const cancel = async (_identity: unknown, id: string) => {
    canceled.push(id);
    return job;
  };
  const gone = new AbortController();
  const call = { identity: callerNamed('shop'), requestId: 'r', client: 'c', session: null, keep: () => true };
  const tool: ToolCall = {
    call: { ...call, signal: gone.signal },
    ...{ id: 1, arguments: {}, leavingCancels, closing: closing ? AbortSignal.abort() : new AbortController().signal },
    onProgress: () => Promise.reject(new Error('nobody is there')),
  };
  gone.abort(reason);
  await awaitJob(job, 60, tool, await testServices({ jobs: { cancel } }), new AbortController().signal);
  return canceled.length > 0;
}

test('only a client that leaves on purpose cancels: no key that ends, no gateway that stops', async () => {
  expect(await cancels({})).toBe(true);
  expect(await cancels({ reason: unauthenticated() })).toBe(false);
  expect(await cancels({ closing: true })).toBe(false);
  expect(await cancels({ leavingCancels: false })).toBe(false);
});
