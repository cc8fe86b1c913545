import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLineWriter } from '../../../src/observability/line-writer.ts';
import { tempFolder } from '../../support/process.ts';
import { mountSmallDisk } from '../../support/small-disk.ts';

const gap = (lines: number, reason: string) => `${lines} lost: ${reason}\n`;

function opened(path: string, flags: number | string): number {
  const fd = openSync(path, flags);
  onTestFinished(() => closeSync(fd));
  return fd;
}

test('lines come in their order, and all of them', async () => {
  const folder = await tempFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'log');
  const writer = createLineWriter({ fd: opened(path, 'a'), gap });
  const lines = Array.from({ length: 10_000 }, (_, i) => `${i}\n`);
  for (const line of lines) writer.write(line);
  await writer.flushed();
  expect(readFileSync(path, 'utf8')).toBe(lines.join(''));
});

test('C22: on a full disk lines are lost and each fault is told, and nothing else happens', async () => {
  const faults: unknown[] = [];
  const writer = createLineWriter({ fd: opened('/dev/full', 'w'), gap, onFault: (error) => faults.push(error) });
  writer.write('one\n');
  await writer.flushed();
  writer.write('two\n');
  await writer.flushed();
  expect(faults).toMatchObject([{ code: 'ENOSPC' }, { code: 'ENOSPC' }]);
  writer.write('three\n');
  writer.end();
});

test('a reader that stops holds up nobody; what it missed is counted where it goes on', async () => {
  const folder = await tempFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = opened(path, constants.O_RDWR | constants.O_NONBLOCK);
  const writer = createLineWriter({ fd: opened(path, 'w'), gap, maxBytes: 100_000 });
  const line = `${'x'.repeat(999)}\n`;
  const began = performance.now();
  for (let i = 0; i < 1_000; i++) writer.write(line);
  await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 1_000; i++) writer.write(line);
  await writer.flushed();
  expect(performance.now() - began).toBeLessThan(5_000);
  let text = '';
  const read = async () => {
    while (!/^\d+ lost: /m.test(text)) {
      text += await readSome(reader);
      writer.write('and on\n');
    }
  };
  await read();
  const [, lost = ''] = /^(\d+) lost: they are not read fast enough$/m.exec(text) ?? [];
  expect(Number(lost)).toBeGreaterThan(1_000);
});

test('what waits has as many bytes as it may, and not one more', async () => {
  const folder = await tempFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'log');
  const writer = createLineWriter({ fd: opened(path, 'a'), gap, maxBytes: 11 });
  // The first is on its way by then.
  for (const line of ['out\n', 'four\n', 'bytes\n', '\n', 'x\n']) writer.write(line);
  await writer.flushed();
  expect(readFileSync(path, 'utf8')).toBe('out\n2 lost: they are not read fast enough\nfour\nbytes\n');
});

test('a write that a reader holds up is told, as long as it does', async () => {
  const folder = await tempFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = opened(path, constants.O_RDWR | constants.O_NONBLOCK);
  const writer = createLineWriter({ fd: opened(path, 'w'), gap });
  writer.write('out\n');
  await writer.flushed();
  expect(writer.stuck()).toBe(false);
  writer.write(`${'x'.repeat(200_000)}\n`);
  await writer.flushed();
  expect(writer.stuck()).toBe(true);
  while (writer.stuck()) await readSome(reader);
});

test('a line that a full disk cut in two is ended before the next, and written lines are not lost', async (context) => {
  const disk = await mountSmallDisk(64 * 1024);
  // Only root may mount, as CI is; a developer's machine runs all the rest.
  if (!disk) return context.skip('this user may not mount a disk');
  onTestFinished(disk.close);
  const path = join(disk.path, 'log');
  const fd = openSync(path, 'a');
  const writer = createLineWriter({ fd, gap });
  const line = `${'x'.repeat(999)}\n`;
  for (let i = 0; i < 100; i++) writer.write(line);
  await writer.flushed();
  const before = readFileSync(path, 'utf8');
  expect(before.endsWith('\n')).toBe(false);
  const whole = before.split('\n').length - 1;
  truncateSync(path, before.length - (before.length % 1000) - 30_000 + 500);
  writer.write('and on\n');
  await writer.flushed();
  closeSync(fd);
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines.slice(-3)).toEqual([`${100 - whole} lost: ENOSPC`, 'and on', '']);
});

async function readSome(fd: number): Promise<string> {
  const { read } = await import('node:fs');
  const buffer = Buffer.alloc(65_536);
  return new Promise((resolve) => {
    read(fd, buffer, 0, buffer.length, null, (error, bytes) => {
      setImmediate(resolve, error ? '' : buffer.subarray(0, bytes).toString());
    });
  });
}
