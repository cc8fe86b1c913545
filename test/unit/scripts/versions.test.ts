import { expect, test } from 'vitest';
import { versionFaults, withVersion } from '../../../scripts/version-rules.ts';

const files = (client: object = {}, studio: object = {}) =>
  new Map([
    ['package.json', JSON.stringify({ name: 'comfygate', version: '1.2.0', devDependencies: { zod: '^4.0.0' } })],
    ['client/package.json', JSON.stringify({ name: '@comfygate/client', version: '1.2.0', ...client })],
    ['studio/package.json', JSON.stringify({ name: '@comfygate/studio', version: '1.2.0', ...studio })],
  ]);
const changelog = '# Changelog\n\n## 1.2.0\n\nNew.\n\n## 1.1.0\n';

test('packages of one version that ask for each other by it have no faults', () => {
  expect(
    versionFaults(files({}, { devDependencies: { '@comfygate/client': '^1.2.0', wouter: '^3.0.0' } }), changelog),
  ).toEqual([]);
});

test.each([
  ['another version', files({ version: '1.1.0' }), changelog, 'client/package.json: 1.1.0 instead of 1.2.0'],
  [
    'a package that asks for an older one of the others',
    files({}, { devDependencies: { '@comfygate/client': '^1.1.0' } }),
    changelog,
    'studio/package.json: @comfygate/client ^1.1.0 instead of ^1.2.0',
  ],
  [
    'a package of others in another version than the product has',
    files({ dependencies: { zod: '^3.0.0' } }),
    changelog,
    'client/package.json: zod ^3.0.0 instead of ^4.0.0',
  ],
  [
    'no heading in the changelog',
    files(),
    '# Changelog\n\n## 1.1.0\n',
    'CHANGELOG.md: the newest heading is 1.1.0 instead of 1.2.0',
  ],
])('%s is told', (_, packages, log, fault) => expect(versionFaults(packages, log)).toEqual([fault]));

test('a new version is written into each package and what it asks for, and nothing else changes', () => {
  const before = `{
  "name": "@comfygate/studio",
  "version": "1.2.0",
  "devDependencies": { "@comfygate/client": "^1.2.0", "x": "^1.2.0" }
}
`;
  expect(withVersion(before, '2.0.0')).toBe(
    before.replace('"version": "1.2.0"', '"version": "2.0.0"').replace('client": "^1.2.0"', 'client": "^2.0.0"'),
  );
});
