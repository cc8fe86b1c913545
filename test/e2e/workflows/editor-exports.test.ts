import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { productMain } from '../../support/process.ts';

const judge = fileURLToPath(new URL('../../../../shared/editor/judge.mjs', import.meta.url));
const MOST_MS = 20 * 60_000;

/** Compares each file of the sets with what the editor exports of it, and gives what it says. */
function judged(sets: string): Promise<string> {
  const command = [process.execPath, productMain, 'workflow', 'convert'];
  return new Promise((resolve) => {
    execFile(process.execPath, [judge, '--sets', sets, '--', ...command], { maxBuffer: 2 ** 26 }, (_, output) =>
      resolve(output),
    );
  });
}

// Its files are not part of the project: on machines without them, these are no tests that were left out.
if (existsSync(judge)) {
  test('templates and public examples are converted as the editor exports them', { timeout: MOST_MS }, async () => {
    const output = await judged('templates,public-examples');
    expect(output.split('\n').filter((line) => line.startsWith('DIFFERS'))).toEqual([]);
    const [, same, all] = /(\d+) of (\d+) agree/.exec(output) ?? [];
    expect(Number(all)).toBeGreaterThan(0);
    expect(same).toBe(all);
  });

  test('of all files at least 98 in 100 are converted as the editor exports them', { timeout: MOST_MS }, async () => {
    const output = await judged('templates-next,unit,unit-custom,public-cubiq,public-other');
    const [, same, all] = /(\d+) of (\d+) agree/.exec(output) ?? [];
    expect(Number(all)).toBeGreaterThan(0);
    expect(Number(same) / Number(all)).toBeGreaterThanOrEqual(0.98);
  });
} else {
  test(`the editor's exports are not at ${judge}, so that none was compared`, () => {
    expect(existsSync(judge)).toBe(false);
  });
}
