import { expect, test } from 'vitest';
import { createWatcher } from '../../../src/progress/watcher.ts';
import { testEvent } from '../../support/graph-services.ts';

test('a PREVIEW that comes behind what has happened since is not shown: numbers never fall', async () => {
  const watcher = createWatcher(() => {});
  watcher.start([testEvent(5, { type: 'SNAPSHOT' })], 5);
  await watcher.iterator.next();
  watcher.push(testEvent(6, { type: 'RETRYING' }));
  await watcher.iterator.next();
  watcher.push(testEvent(5, { type: 'PREVIEW', preview: { contentType: 'image/png', data: 'late' } }));
  const next = watcher.iterator.next();
  watcher.push(testEvent(7, { type: 'STARTED' }));
  expect((await next).value).toMatchObject({ seq: 7, type: 'STARTED' });
});
