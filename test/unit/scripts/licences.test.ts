import { expect, test } from 'vitest';
import { isAllowed, refusedPackages } from '../../../scripts/licence-rules.ts';

test.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0-only)', true],
  ['Apache-2.0 AND LGPL-3.0-or-later AND MIT', true],
  ['MIT AND GPL-3.0-only', false],
  ['GPL-3.0-or-later', false],
  ['AGPL-3.0-only OR SSPL-1.0', false],
  ['SEE LICENSE IN LICENSE.md', false],
  ['', false],
])('%s is allowed: %s', (expression, expected) => {
  expect(isAllowed(expression, false)).toBe(expected);
});

test('what goes out with nothing may have more; whatever has no licence is named', () => {
  const packages = {
    '': { license: 'none of these' },
    'node_modules/a': { license: 'CC-BY-4.0', dev: true },
    'node_modules/b': { license: 'CC-BY-4.0' },
    'node_modules/c': {},
    // A package of this project, whose folder has the licence.
    'node_modules/@comfygate/client': { link: true },
    client: { license: 'MIT' },
  };
  expect(refusedPackages(packages)).toEqual(['node_modules/b: CC-BY-4.0', 'node_modules/c: no licence']);
});
