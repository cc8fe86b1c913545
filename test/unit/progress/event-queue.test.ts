import { expect, test } from 'vitest';
import { createEventQueue } from '../../../src/progress/event-queue.ts';
import { testEvent } from '../../support/graph-services.ts';

const done = { done: true, value: undefined };

test('so many events wait for a client and no more; what it has taken makes room', async () => {
  const queue = createEventQueue(2, () => undefined);
  const push = (seq: number) => queue.push(testEvent(seq));
  expect([push(1), push(2), push(3)]).toEqual([true, true, false]);
  expect((await queue.iterator.next()).value).toMatchObject({ seq: 1 });
  expect([push(4), push(5)]).toEqual([true, false]);
  // One that is waited for does not wait.
  expect([(await queue.iterator.next()).value.seq, (await queue.iterator.next()).value.seq]).toEqual([2, 4]);
  const next = queue.iterator.next();
  expect([push(6), push(7), push(8), push(9)]).toEqual([true, true, true, false]);
  expect((await next).value).toMatchObject({ seq: 6 });
});

test('it is closed once: by the client, by an error at once, or behind the last event', async () => {
  let closed = 0;
  const open = () => createEventQueue(9, () => closed++);
  const left = open();
  const waiting = left.iterator.next();
  expect(await left.iterator.return?.()).toEqual(done);
  expect(await waiting).toEqual(done);
  left.fail(new Error('late'));
  left.finish();
  expect([left.push(testEvent(1)), await left.iterator.next()]).toEqual([true, done]);
  expect(closed).toBe(1);

  const failed = open();
  failed.push(testEvent(1));
  failed.fail(new Error('missed'));
  expect(closed).toBe(2);
  await expect(failed.iterator.next()).rejects.toThrow('missed');
  expect(await failed.iterator.next()).toEqual(done);

  const finished = open();
  finished.push(testEvent(1));
  finished.finish();
  expect(closed).toBe(2);
  expect((await finished.iterator.next()).value).toMatchObject({ seq: 1 });
  expect(await finished.iterator.next()).toEqual(done);
  expect(closed).toBe(3);
});
