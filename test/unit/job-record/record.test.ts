import { describe, expect, it } from 'vitest';
import { type Job, jobStatuses } from '../../../src/core/job.ts';
import { applyChange, fieldsOf, formatFields, parseRecord } from '../../../src/job-record/record.ts';

const job: Job = {
  id: '0b0c7f3e-5b0a-7a0e-9f0b-2d5f0c1f7a11',
  caller: 'anonymous',
  status: 'RUNNING',
  workflow: 'custom',
  template: null,
  parameters: {},
  priority: 'NORMAL',
  order: 1,
  tags: [],
  retryOf: '0b0c7f3e-5b0a-7a0e-9f0b-2d5f0c1f7a10',
  progress: { fraction: 0, nodesDone: 0, nodesTotal: 1, node: null },
  artifacts: [],
  error: null,
  timings: [{ nodeId: '1', classType: 'SaveImage', ms: 5, cached: false }],
  attempts: 1,
  failures: 0,
  takeovers: 0,
  lease: 1,
  submission: { number: 1, backend: 'a', client: 'c' },
  ticket: 't',
  waits: false,
  seq: 3,
  requestId: 'r',
  traceparent: null,
  cancelRequestedAt: null,
  createdAt: 1,
  startedAt: 2,
  claimedAt: 2,
  finishedAt: null,
  deadlineAt: 100,
  expiresAt: null,
};

it('a record that failed with a code of a newer version is read, as INTERNAL', () => {
  const error = { code: 'INTERNAL', message: 'cut off', nodeId: null, classType: null, retryable: true } as const;
  const failed = fieldsOf(formatFields({ ...job, status: 'FAILED', error }));
  expect(parseRecord({ ...failed, error: JSON.stringify({ ...error, code: 'OF_TOMORROW' }) })?.error).toEqual(error);
});

describe('a published change', () => {
  it('changes what it names and nothing else', () => {
    expect(applyChange(job, { seq: '4' })).toEqual({ ...job, seq: 4 });
    expect(applyChange(job, { seq: '4', retryOf: '', timings: '[]' })).toEqual({
      ...job,
      seq: 4,
      retryOf: null,
      timings: [],
    });
  });

  it('leaves the job that it is applied to as it was', () => {
    const before = structuredClone(job);
    for (const status of jobStatuses) expect(applyChange(job, { status }).status).toBe(status);
    expect(job).toEqual(before);
  });
});
