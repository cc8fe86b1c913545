import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isInterfaceType, isObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { issueCodes } from '../../../src/core/errors.ts';
import { jobErrorCodes } from '../../../src/core/job.ts';
import type { FieldWeight } from '../../../src/graphql/engine/document-cost.ts';
import { defaultDocumentLimits } from '../../../src/graphql/engine/document-limits.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import { operationCodes } from '../../../src/observability/operation-metrics.ts';
import { shippedCatalogue } from '../../support/graph-services.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const guide = await readFile(`${root}/docs/errors.md`, 'utf8');

/** The first cells of a section's table, without its head. */
function cellsOf(section: string, column = 0): string[] {
  const [, text = ''] = guide.split(`\n## ${section}\n`);
  const rows = (text.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) => line.split('|')[column + 1]?.trim() ?? '');
}

const named = (section: string) =>
  cellsOf(section).flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => code));

test('every code of an error is in the table, and none that there is not', async () => {
  const known = new Set(named('Codes'));
  expect([...operationCodes].filter((code) => code !== 'OK' && !known.has(code))).toEqual([]);
  const used = new Set<string>(operationCodes);
  for await (const file of glob('src/{core,graphql,http,jobs,progress,uploads,variants}/**/*.ts', { cwd: root })) {
    const text = await readFile(`${root}/${file}`, 'utf8');
    for (const [, code = ''] of text.matchAll(/(?:HttpFault\(\d+, |\bcode: )'([A-Z_]{4,})'/g)) used.add(code);
  }
  for (const code of jobErrorCodes) if (code !== 'INTERNAL') used.delete(code);
  used.delete('OK');
  expect([...known].sort()).toEqual([...used].sort());
});

test('every code of an issue is in the table, and none that there is not', () => {
  expect(named('Issues').sort()).toEqual([...issueCodes].sort());
});

test('the limits of documents are those that are kept', () => {
  const most = cellsOf('Limits of documents', 1).map((cell) => Number(cell.replaceAll(',', '')));
  expect(most).toEqual(Object.values(defaultDocumentLimits));
});

test('the fields that cost more or are lists cost what the table says', async () => {
  const told = cellsOf('What a document costs').flatMap((cell, i) => {
    const [, name] = /^`(\w+\.\w+)`/.exec(cell) ?? [];
    const [points, items] = [1, 2].map((column) => cellsOf('What a document costs', column)[i]);
    return name && items !== '`first`' ? [`${name} ${points} ${items || 1}`] : [];
  });
  const types = Object.values(createSchema(await shippedCatalogue()).getTypeMap());
  const weighed = types.flatMap((type) => {
    if (!isObjectType(type) && !isInterfaceType(type)) return [];
    return Object.values(type.getFields()).flatMap(({ name, extensions }) => {
      const { cost = 1, items = 1 }: FieldWeight = extensions;
      const owner = type.getInterfaces().find((each) => name in each.getFields()) ?? type;
      return cost === 1 && items === 1 ? [] : [`${owner.name}.${name} ${cost} ${items}`];
    });
  });
  expect(told.sort()).toEqual([...new Set(weighed)].sort());
});
