import { beforeEach, expect, test, vi } from 'vitest';
import { createTurns, type Turns } from '../../../src/async/turns.ts';

/** Time that nothing but the work takes: a machine that has too much else to do changes nothing. */
let clock = 0;
const spend = (ms: number) => {
  clock += ms;
};

beforeEach(() => {
  clock = 0;
  const now = vi.spyOn(performance, 'now').mockImplementation(() => clock);
  return () => now.mockRestore();
});

test('owners of a group take turns, and what one brings keeps its order', async () => {
  const done: string[] = [];
  const turns = createTurns(1_000);
  const [one, two] = [{}, {}];
  const add = (owner: object, name: string) => turns.add('a', owner, () => void done.push(name));
  for (const i of [1, 2, 3]) add(one, `one${i}`);
  for (const i of [1, 2]) add(two, `two${i}`);
  await turns.take('a', one);
  expect(done).toEqual(['one1', 'two1', 'one2', 'two2', 'one3']);
});

test('groups share the time in equal parts, however long the pieces of each are', async () => {
  const spent = { short: 0, long: 0 };
  const turns = createTurns(5);
  const [short, long] = [{}, {}];
  for (let i = 0; i < 200; i++) {
    turns.add('short', short, () => {
      spend(0.5);
      spent.short += 0.5;
    });
    turns.add('long', long, () => {
      spend(4);
      spent.long += 4;
    });
  }
  while (spent.long < 40) await new Promise((resolve) => setImmediate(resolve));
  expect(Math.abs(spent.short - spent.long)).toBeLessThan(10);
});

/** Three have so many pieces of a millisecond each to do; calls `done` behind each. */
function flood(turns: Turns, pieces: number, done: () => void): void {
  for (const group of ['a', 'b', 'c']) {
    for (let i = 0; i < pieces; i++) {
      turns.add(group, turns, () => {
        spend(1);
        done();
      });
    }
  }
}

test('who asks now and then is next, however much others have to do', async () => {
  let worked = 0;
  const turns = createTurns(5);
  const guest = {};
  flood(turns, 300, () => worked++);
  // What newcomers may have at first is used up by now.
  while (worked < 400) await new Promise((resolve) => setImmediate(resolve));
  let most = 0;
  for (let i = 0; i < 20; i++) {
    const before = worked;
    await turns.take('guest', guest);
    most = Math.max(most, worked - before);
    spend(2);
  }
  expect(most).toBeLessThan(4);
});

test('several who ask now and then are served in one turn of the loop, however short that is for others', async () => {
  let worked = 0;
  let loops = 0;
  const turns = createTurns(5);
  const count = () => {
    loops += 1;
    if (worked < 900) setImmediate(count);
  };
  count();
  flood(turns, 300, () => worked++);
  while (worked < 400) await new Promise((resolve) => setImmediate(resolve));
  const served: number[] = [];
  for (const guest of ['d', 'e', 'f']) {
    turns.add(guest, turns, () => {
      spend(4);
      served.push(loops);
    });
  }
  while (worked < 900) await new Promise((resolve) => setImmediate(resolve));
  expect(served).toHaveLength(3);
  expect(new Set(served).size).toBe(1);
});

test('who was charged for a standstill does not wait until all others have had as much', async () => {
  let worked = 0;
  const turns = createTurns(5);
  const guest = {};
  flood(turns, 500, () => worked++);
  while (worked < 300) await new Promise((resolve) => setImmediate(resolve));
  let before = 0;
  turns.add('guest', guest, () => {
    before = worked;
    spend(300);
  });
  await turns.take('guest', guest);
  expect(worked - before).toBeLessThan(100);
});

test('who has asked for nothing for long has not saved up all of that time', async () => {
  let worked = 0;
  const turns = createTurns(5);
  await turns.take('guest', turns);
  for (let i = 0; i < 700; i++) {
    turns.add('flood', turns, () => {
      spend(1);
      worked += 1;
    });
  }
  while (worked < 400) await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 100; i++) {
    await turns.take('guest', turns);
    spend(2);
  }
  expect(worked).toBeGreaterThan(450);
});

test('newcomers share with those who came a little before them', async () => {
  const turns = createTurns(5);
  const worked = { flood: 0, first: 0, second: 0 };
  const bring = (name: keyof typeof worked, count: number) => {
    for (let i = 0; i < count; i++) {
      turns.add(name, turns, () => {
        spend(1);
        worked[name] += 1;
      });
    }
  };
  const until = async (name: keyof typeof worked, count: number) => {
    while (worked[name] < count) await new Promise((resolve) => setImmediate(resolve));
  };
  bring('flood', 300);
  await until('flood', 150);
  bring('first', 60);
  await until('first', 5);
  bring('second', 60);
  await until('second', 40);
  expect(worked.first).toBeGreaterThan(25);
});

test('nothing is lost that is brought while, and right after, its group is worked for', async () => {
  const turns = createTurns(5);
  const owner = {};
  for (let i = 0; i < 20; i++) {
    await turns.take('a', owner);
    await new Promise((resolve) => (i % 2 === 0 ? setImmediate(resolve) : process.nextTick(resolve)));
  }
  let within = false;
  turns.add('a', owner, () => turns.add('a', owner, () => (within = true)));
  await turns.take('a', owner);
  await turns.take('a', owner);
  expect(within).toBe(true);
});

test('all else has its turn while there is work, whose microtasks count', async () => {
  const turns = createTurns(2);
  const owner = {};
  let worked = 0;
  const work = async () => {
    await null;
    await null;
    spend(1);
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
