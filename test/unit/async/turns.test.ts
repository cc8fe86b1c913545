import { expect, test } from 'vitest';
import { createTurns } from '../../../src/async/turns.ts';

test('groups take turns, owners within them too, and what one brings keeps its order', async () => {
  const done: string[] = [];
  const last = Promise.withResolvers<void>();
  const turns = createTurns(1_000);
  const [one, two, three] = [{}, {}, {}];
  const add = (group: string, owner: object, name: string) => turns.add(group, owner, () => void done.push(name));
  for (const i of [1, 2, 3]) add('a', one, `one${i}`);
  for (const i of [1, 2]) add('a', two, `two${i}`);
  for (const i of [1, 2]) add('b', three, `three${i}`);
  turns.add('a', two, last.resolve);
  await last.promise;
  expect(done).toEqual(['one1', 'three1', 'two1', 'three2', 'one2', 'two2', 'one3']);
});

test('all else has its turn while there is work, whose microtasks count', async () => {
  const turns = createTurns(2);
  const owner = {};
  let worked = 0;
  const work = async () => {
    await null;
    await null;
    const until = performance.now() + 1;
    while (performance.now() < until);
    worked += 1;
  };
  for (let i = 0; i < 50; i++) turns.add('a', owner, () => void work());
  const seen: number[] = [];
  while (worked < 50) {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(worked);
  }
  const most = Math.max(...seen.map((count, i) => count - (seen[i - 1] ?? 0)));
  expect(most).toBeLessThanOrEqual(4);
});
