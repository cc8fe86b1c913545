import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createOutputs } from '../../../src/observability/outputs.ts';
import { tempFolder } from '../../support/process.ts';

const gap = () => '';

test('an output that is open already is given again, so that nobody writes into the lines of another', async () => {
  const outputs = createOutputs();
  const log = outputs.open({ to: 'stderr', gap });
  expect(outputs.open({ to: 'stderr', gap })).toBe(log);
  expect(outputs.open({ to: 'stdout', gap })).not.toBe(log);

  const folder = await tempFolder();
  onTestFinished(folder.remove);
  const to = join(folder.path, 'audit.log');
  const [one, other] = [outputs.open({ to, gap }), outputs.open({ to, gap })];
  one.write('one\n');
  other.write('other\n');
  await one.flushed();
  expect(readFileSync(to, 'utf8')).toBe('one\nother\n');
});

test('a file that cannot be opened is told at once', () => {
  expect(() => createOutputs().open({ to: '/nowhere/audit.log', gap })).toThrow('ENOENT');
});
