import type { JobFilter } from '@comfygate/client';

export const STATUSES = ['SUCCEEDED', 'RUNNING', 'QUEUED', 'FAILED', 'CANCELED'] as const;

/** What the gallery shows, as its address says it. A `day` is one of the reader's time zone, such as 2026-11-30. */
export interface GalleryFilter {
  workflow?: string;
  tag?: string;
  day?: string;
  /** Absent: those that are done. */
  status?: (typeof STATUSES)[number] | 'ALL';
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** Of the search part of an address, whoever wrote it: what makes no sense there is left out. */
export function parseFilter(search: string): GalleryFilter {
  const given = new URLSearchParams(search);
  const workflow = given.get('workflow');
  const tag = given.get('tag');
  const day = given.get('day');
  const status = [...STATUSES, 'ALL' as const].find((each) => each === given.get('status')?.toUpperCase());
  return {
    ...(workflow && { workflow }),
    ...(tag && { tag: tag.slice(0, 64) }),
    ...(day && DAY.test(day) && !Number.isNaN(startOfDay(day).getTime()) && { day }),
    ...(status && status !== 'SUCCEEDED' && { status }),
  };
}

/** With its question mark; empty where nothing is chosen. */
export function toSearch({ workflow, tag, day, status }: GalleryFilter): string {
  const search = new URLSearchParams();
  if (workflow) search.set('workflow', workflow);
  if (tag) search.set('tag', tag);
  if (day) search.set('day', day);
  if (status && status !== 'SUCCEEDED') search.set('status', status.toLowerCase());
  return search.size > 0 ? `?${search}` : '';
}

/** As the API takes it. Its bounds of time are exclusive. */
export function toJobFilter({ workflow, tag, day, status = 'SUCCEEDED' }: GalleryFilter): JobFilter {
  return {
    ...(workflow && { workflow }),
    ...(tag && { tag }),
    ...(status !== 'ALL' && { status: [status] }),
    ...(day && {
      createdAfter: new Date(startOfDay(day).getTime() - 1).toISOString(),
      createdBefore: startOfDay(day, 1).toISOString(),
    }),
  };
}

/** Midnight in the reader's time zone, `more` days later: a day may have 23 or 25 hours. */
function startOfDay(day: string, more = 0): Date {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + more);
}

/** The day of an instant in the reader's time zone, such as 2026-11-30. */
export function dayOf(instant: string): string {
  const date = new Date(instant);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** For a person: today, yesterday, or the date. */
export function nameOfDay(day: string, now: Date): string {
  const today = dayOf(now.toISOString());
  if (day === today) return 'Today';
  if (startOfDay(day, 1).getTime() === startOfDay(today).getTime()) return 'Yesterday';
  return new Intl.DateTimeFormat('en', { dateStyle: 'full' }).format(startOfDay(day));
}
