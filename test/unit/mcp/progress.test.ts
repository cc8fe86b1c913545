import { expect, test } from 'vitest';
import { createProgress } from '../../../src/mcp/follow-job.ts';
import { testEvent, testJob } from '../../support/graph-services.ts';

const node = { id: '3', classType: 'KSampler', title: null, step: 2, totalSteps: 20 };
const at = (fraction: number, changes: object = {}) =>
  testJob({ progress: { fraction, nodesDone: 0, nodesTotal: 4, node, ...changes } });

test('each number is above the last, also of a job that waits, moves, or is run again', () => {
  const progressOf = createProgress();
  const queued = testJob({ status: 'QUEUED' });
  const told = [
    testEvent(1, { type: 'SNAPSHOT', job: queued }),
    testEvent(1, { type: 'MOVED', job: queued, queuePosition: 2 }),
    testEvent(1, { type: 'MOVED', job: queued, queuePosition: 2 }),
    testEvent(2, { job: at(0.5) }),
    testEvent(3, { job: at(0.5) }),
    testEvent(4, { type: 'RETRYING', job: queued }),
    testEvent(5, { job: at(0.1, { node: { ...node, title: 'Refine' } }) }),
    testEvent(6, { job: at(0.9) }),
    testEvent(7, { type: 'SUCCEEDED', job: testJob({ status: 'SUCCEEDED' }) }),
  ].map(progressOf);
  expect(told.map((each) => each?.message)).toEqual([
    'waits',
    'waits, 2 jobs are before it',
    undefined,
    'KSampler 2/20',
    undefined,
    'waits',
    'Refine 2/20',
    'KSampler 2/20',
    undefined,
  ]);
  const numbers = told.flatMap((each) => each?.progress ?? []);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  expect(numbers.at(-1)).toBe(90);
});
