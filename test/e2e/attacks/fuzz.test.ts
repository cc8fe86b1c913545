import { expect, it } from 'vitest';
import { openTarget } from '../../support/attack.ts';
import { fuzz } from '../../support/fuzz.ts';

const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = 400;
/** What it has found by then is told, though it might be made smaller. */
const MAX_MS = 90_000;

it('B07 any document, body or message gets a typed answer or a close code, never INTERNAL', async (test) => {
  console.info(`fuzz: seed ${seed}; to repeat it: FUZZ_SEED=${seed}`);
  const target = await openTarget(test);
  const tally = await fuzz({ url: target.gateway.url, from: '127.0.0.1', seed, runs: RUNS, ms: MAX_MS });
  console.info(`fuzz: ${JSON.stringify(tally)}`);
  // It got through to what it is about.
  expect(Object.keys(tally)).toEqual(expect.arrayContaining(['200 data', 'next', 'pong', 'closed with 4400']));
  await target.expectUnharmed();
}, 120_000);
