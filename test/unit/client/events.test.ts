import { expect, test, vi } from 'vitest';
import { iterate } from '../../../client/src/events.ts';

type Event = Parameters<Parameters<Parameters<typeof iterate>[0]>[0]['next']>[0];
type Sink = Parameters<Parameters<typeof iterate>[0]>[0];

const event = (type: string, seq: number) => ({ type, seq }) as unknown as Event;

/** A subscription that a test speaks for. */
function subscription(signal?: AbortSignal) {
  const leave = vi.fn();
  const sinks: Sink[] = [];
  const events = iterate((sink) => {
    sinks.push(sink);
    return leave;
  }, signal);
  const sink = () => sinks[0] as Sink;
  return { events, sink, sinks, leave };
}

test('a slow reader misses PROGRESS, PREVIEW and MOVED that are outdated, and nothing else', async () => {
  const { events, sink } = subscription();
  const first = events.next();
  const given = ['QUEUED', 'MOVED', 'MOVED', 'STARTED', 'PROGRESS', 'PROGRESS', 'OUTPUT', 'OUTPUT', 'SUCCEEDED'];
  for (const [seq, type] of given.entries()) sink().next(event(type, seq));
  sink().complete();
  const read = [(await first).value];
  for await (const each of events) read.push(each);
  expect(read).toMatchObject([
    { type: 'QUEUED' },
    { type: 'MOVED', seq: 2 },
    { type: 'STARTED' },
    { type: 'PROGRESS', seq: 5 },
    { type: 'OUTPUT', seq: 6 },
    { type: 'OUTPUT', seq: 7 },
    { type: 'SUCCEEDED' },
  ]);
});

test('an error comes behind the events before it', async () => {
  const { events, sink, leave } = subscription();
  const first = events.next();
  sink().next(event('QUEUED', 1));
  sink().error(new Error('gone'));
  expect((await first).value).toMatchObject({ type: 'QUEUED' });
  await expect(events.next()).rejects.toThrow('gone');
  expect(leave).toHaveBeenCalledOnce();
});

test('aborted, it leaves the subscription and rejects with the reason, whatever still waits', async () => {
  const abort = new AbortController();
  const { events, sink, leave } = subscription(abort.signal);
  const first = events.next();
  sink().next(event('QUEUED', 1));
  await first;
  sink().next(event('STARTED', 2));
  abort.abort(new Error('enough'));
  await expect(events.next()).rejects.toThrow('enough');
  expect(leave).toHaveBeenCalledOnce();
});

test('aborted before, it does not subscribe', async () => {
  const { events, sinks } = subscription(AbortSignal.abort(new Error('enough')));
  await expect(events.next()).rejects.toThrow('enough');
  expect(sinks).toEqual([]);
});

test('whoever stops reading leaves the subscription', async () => {
  const { events, sink, leave } = subscription();
  const first = events.next();
  sink().next(event('QUEUED', 1));
  await first;
  await events.return();
  expect(leave).toHaveBeenCalledOnce();
});

test('what nobody reads does not grow without end', async () => {
  const { events, sink, leave } = subscription();
  const first = events.next();
  for (let seq = 0; seq <= 10_001; seq++) sink().next(event('QUEUED', seq));
  await first;
  const rest = async () => {
    for await (const _ of events);
  };
  await expect(rest()).rejects.toThrow('10000 events were not read');
  expect(leave).toHaveBeenCalledOnce();
});
