import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dayOf, nameOfDay, parseFilter, toJobFilter, toSearch } from '../../../studio/src/gallery/filter.ts';
import { toRows, toTiles } from '../../../studio/src/gallery/rows.ts';
import { jobOf } from '../../support/studio-jobs.ts';

const ZONE = process.env.TZ;
beforeAll(() => {
  process.env.TZ = 'Europe/Berlin';
});
afterAll(() => {
  if (ZONE === undefined) delete process.env.TZ;
  else process.env.TZ = ZONE;
});

describe('the filter of the gallery', () => {
  test.for([
    [''],
    ['?workflow=textToImage&tag=a+b%26c&day=2026-11-30&status=failed'],
    ['?status=all'],
    ['?tag=%C3%BC'],
  ])('is its address: %s', ([search = '']) => {
    expect(toSearch(parseFilter(search))).toBe(search);
  });

  test('leaves out what makes no sense', () => {
    expect(parseFilter('?day=2026-1-1&status=nonsense&workflow=&tag=')).toEqual({});
    expect(parseFilter(`?tag=${'x'.repeat(99)}&day=9999-99-99x`)).toEqual({ tag: 'x'.repeat(64) });
    expect(toSearch({ status: 'SUCCEEDED' })).toBe('');
  });

  test('asks for what is done unless told otherwise, and for a whole day of the reader, also a long one', () => {
    expect(toJobFilter({})).toEqual({ status: ['SUCCEEDED'] });
    expect(toJobFilter({ status: 'ALL', workflow: 'upscale', tag: 'x' })).toEqual({ workflow: 'upscale', tag: 'x' });
    // Clocks are put back in this night.
    expect(toJobFilter({ status: 'ALL', day: '2026-10-25' })).toEqual({
      createdAfter: '2026-10-24T21:59:59.999Z',
      createdBefore: '2026-10-25T23:00:00.000Z',
    });
  });
});

test('a day is that of the reader, by its name while it is near', () => {
  const now = new Date('2026-11-30T23:30:00Z');
  expect(dayOf(now.toISOString())).toBe('2026-12-01');
  expect(nameOfDay('2026-12-01', now)).toBe('Today');
  expect(nameOfDay('2026-11-30', now)).toBe('Yesterday');
  expect(nameOfDay('2026-11-29', now)).toBe('Sunday, November 29, 2026');
});

test('rows are days with as many tiles beside each other as fit, one for each result and each job without any', () => {
  const jobs = [
    jobOf({ id: 'd', createdAt: '2026-11-30T12:00:00Z', artifacts: ['d1', 'd2', 'd3'] }),
    jobOf({ id: 'c', createdAt: '2026-11-30T11:00:00Z', status: 'FAILED' }),
    jobOf({ id: 'a', createdAt: '2026-11-29T11:00:00Z', artifacts: ['a1'] }),
  ];
  const rows = toRows(toTiles(jobs), 3).map((row) => [row.kind, row.tiles.map(({ key }) => key)]);
  expect(rows).toEqual([
    ['day', ['d1', 'd2', 'd3', 'c']],
    ['tiles', ['d1', 'd2', 'd3']],
    ['tiles', ['c']],
    ['day', ['a1']],
    ['tiles', ['a1']],
  ]);
  expect(toRows([], 3)).toEqual([]);
});
