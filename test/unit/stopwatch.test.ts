import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startStopwatch } from '../support/stopwatch.ts';

test('a stopwatch counts waiting and working, and not the time in which the process is stopped', async () => {
  const stood = startStopwatch();
  execFileSync('sleep', ['0.5']);
  expect(stood()).toBeLessThan(300);

  const waited = startStopwatch();
  // Of a tick that comes late, a part is counted.
  for (let i = 0; i < 30; i++) await delay(30);
  expect(waited()).toBeGreaterThan(300);

  const worked = startStopwatch();
  const began = process.cpuUsage();
  const used = () => process.cpuUsage(began).user + process.cpuUsage(began).system;
  while (used() < 300_000);
  expect(worked()).toBeGreaterThan(250);
});
