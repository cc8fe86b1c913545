import * as z from 'zod';

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const rfc3339 = z.iso.datetime({ offset: true });

/** Parses `90s`, `30m`, `2h`, `7d` into milliseconds; null for any other text. */
export function parseDuration(text: string): number | null {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return unit === 's' || unit === 'm' || unit === 'h' || unit === 'd' ? Number(count) * unitMs[unit] : null;
}

/**
 * Parses a point in time as operators write it: `90s`, `30m`, `2h`, `7d` before now, or `2026-03-01T02:00:00Z`. Returns
 * a function of the current time, or null for any other text.
 */
export function parseSince(text: string): ((now: number) => number) | null {
  const agoMs = parseDuration(text);
  if (agoMs !== null) return (now) => now - agoMs;
  if (!rfc3339.safeParse(text).success) return null;
  const at = Date.parse(text);
  return () => at;
}
