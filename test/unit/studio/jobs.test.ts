import { describe, expect, test } from 'vitest';
import { type Pages, withJob, withoutJob } from '../../../studio/src/jobs/live-pages.ts';
import { varied } from '../../../studio/src/jobs/vary.ts';
import { duration, fileSize, promptOf, timeLeft, titleOf, usualTime } from '../../../studio/src/jobs/words.ts';
import { jobOf } from '../../support/studio-jobs.ts';

const at = (minute: number) => `2026-11-30T12:${String(minute).padStart(2, '0')}:00.000Z`;
const job = (minute: number, more: Partial<Parameters<typeof jobOf>[0]> = {}) =>
  jobOf({ id: `job-${minute}`, createdAt: at(minute), ...more });

/** Two pages of two jobs, of the minutes 8, 6 and 4, 2. */
function pagesOf(hasNextPage: boolean): Pages {
  const page = (minutes: number[], more: boolean) => ({
    nodes: minutes.map((minute) => job(minute)),
    pageInfo: { endCursor: `after-${minutes.at(-1)}`, hasNextPage: more },
  });
  return { pages: [page([8, 6], true), page([4, 2], hasNextPage)], pageParams: [null, 'after-6'] };
}
const idsOf = ({ pages }: Pages) => pages.map(({ nodes }) => nodes.map(({ id }) => id.slice(4)));

describe('pages of jobs, as events come', () => {
  test.for([
    [
      9,
      [
        ['9', '8', '6'],
        ['4', '2'],
      ],
    ],
    [
      7,
      [
        ['8', '7', '6'],
        ['4', '2'],
      ],
    ],
    [
      5,
      [
        ['8', '6'],
        ['5', '4', '2'],
      ],
    ],
  ] as const)('take a new job at its place: minute %i', ([minute, expected]) => {
    expect(idsOf(withJob(pagesOf(true), {}, job(minute)))).toEqual(expected);
  });

  test('leave one that is older than all to the next page, and take it where there is none', () => {
    expect(idsOf(withJob(pagesOf(true), {}, job(1)))).toEqual([
      ['8', '6'],
      ['4', '2'],
    ]);
    expect(idsOf(withJob(pagesOf(false), {}, job(1)))).toEqual([
      ['8', '6'],
      ['4', '2', '1'],
    ]);
    const empty: Pages = {
      pages: [{ nodes: [], pageInfo: { endCursor: null, hasNextPage: false } }],
      pageParams: [null],
    };
    expect(idsOf(withJob(empty, {}, job(1)))).toEqual([['1']]);
  });

  test('have each job once, as it was last, and never step back', () => {
    const newer = withJob(pagesOf(true), {}, job(6, { seq: 3, tags: ['new'] }));
    expect(idsOf(newer)).toEqual([
      ['8', '6'],
      ['4', '2'],
    ]);
    expect(newer.pages[0]?.nodes[1]?.tags).toEqual(['new']);
    expect(withJob(newer, {}, job(6, { seq: 2 }))).toBe(newer);
  });

  test('leave out what does not fit, and let go of what fits no more', () => {
    const filter = {
      status: ['SUCCEEDED' as const],
      tag: 'a',
      workflow: 'upscale',
      createdAfter: at(3),
      createdBefore: at(9),
    };
    const fitting = { tags: ['a'], workflow: 'upscale' };
    const known = withJob({ ...pagesOf(true) }, filter, job(7, fitting));
    expect(idsOf(known)).toEqual([
      ['8', '7', '6'],
      ['4', '2'],
    ]);
    for (const other of [
      job(5, { ...fitting, status: 'RUNNING' }),
      job(5, { ...fitting, tags: ['b'] }),
      job(5, { ...fitting, workflow: 'textToImage' }),
      job(3, fitting),
      job(9, fitting),
    ])
      expect(withJob(known, filter, other)).toBe(known);
    expect(idsOf(withJob(known, filter, job(7, { ...fitting, status: 'FAILED', seq: 2 })))).toEqual([
      ['8', '6'],
      ['4', '2'],
    ]);
  });

  test('keep pages that did not change as they are, so that nothing of them is drawn anew', () => {
    const known = pagesOf(true);
    const without = withoutJob(known, 'job-8');
    expect(idsOf(without)).toEqual([['6'], ['4', '2']]);
    expect(without.pages[1]).toBe(known.pages[1]);
  });
});

describe('a variation', () => {
  const half = () => 0.5;
  test('has other seeds, and all else as it was', () => {
    const parameters = { prompt: 'a boat', seed: 7, noise: 3 };
    expect(varied(parameters, ['seed'], half)).toEqual({ ...parameters, seed: 2 ** 52 });
    expect(parameters.seed).toBe(7);
    expect(varied({ image: { upload: 'x' } }, ['seed'], half)).toBeNull();
  });

  test('of a graph draws the seeds of its nodes, and leaves links', () => {
    const graph = {
      3: { class_type: 'KSampler', inputs: { seed: '18446744073709551615', steps: 4 } },
      4: { class_type: 'KSamplerAdvanced', inputs: { noise_seed: ['7', 0] } },
    };
    expect(varied({ graph, keepMetadata: false }, [], half)).toEqual({
      keepMetadata: false,
      graph: { ...graph, 3: { class_type: 'KSampler', inputs: { seed: 2 ** 52, steps: 4 } } },
    });
    expect(varied({ graph: { 1: { inputs: { seed: ['7', 0] } } } }, [], half)).toBeNull();
  });

  test('draws seeds that the API takes', () => {
    expect(varied({ seed: 1 }, ['seed'], () => 1 - Number.EPSILON / 2)).toEqual({ seed: Number.MAX_SAFE_INTEGER });
    expect(varied({ seed: 1 }, ['seed'], () => 0)).toEqual({ seed: 0 });
  });
});

describe('words', () => {
  test('for times and sizes', () => {
    expect([400, 999.6, 12_400, 59_600, 200_000, 7_500_000, 604_800_000, 90_000_000].map(duration)).toEqual([
      '400 ms',
      '1 s',
      '12 s',
      '1 min',
      '3 min 20 s',
      '2 h 5 min',
      '7 days',
      '1 day 1 h',
    ]);
    expect([0, 999, 1_000, 48_213, 3_200_000, 2e15].map(fileSize)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '48 kB',
      '3.2 MB',
      '2000 TB',
    ]);
  });

  test('for workflows and what a job was asked for', () => {
    expect(titleOf('textToImage')).toBe('Text to image');
    expect(titleOf('my_flow-2')).toBe('My flow 2');
    expect(promptOf({ parameters: { prompt: ' a boat ' } })).toBe('a boat');
    expect([{}, { prompt: 3 }, { prompt: ' ' }].map((parameters) => promptOf({ parameters }))).toEqual([
      null,
      null,
      null,
    ]);
  });

  test('for how long it takes, where that can be told', () => {
    expect(timeLeft({ fraction: 0.1, at: 0 }, { fraction: 0.6, at: 5_000 })).toBe(4_000);
    expect(timeLeft({ fraction: 0.1, at: 0 }, { fraction: 0.12, at: 5_000 })).toBeNull();
    const took = (minutes: number, more = {}) => job(1, { startedAt: at(0), finishedAt: at(minutes), ...more });
    const ended = [took(9), took(1), took(3), took(50, { status: 'FAILED' }), took(50, { workflow: 'upscale' })];
    expect(usualTime(ended, 'textToImage')).toBe(180_000);
    expect(usualTime(ended, 'inpaint')).toBeNull();
  });
});
