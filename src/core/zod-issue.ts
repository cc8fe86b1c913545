import type * as z from 'zod';
import type { InputIssue } from './errors.ts';

/** What zod says of an argument of a caller; `path` leads that of the issue. */
export function toInputIssue(issue: z.core.$ZodIssue, path: readonly (string | number)[]): InputIssue {
  const { message } = issue;
  const found = { path: [...path, ...issue.path.filter((part) => typeof part !== 'symbol')], message };
  switch (issue.code) {
    case 'too_small':
      return { ...found, code: issue.code, minimum: Number(issue.minimum) };
    case 'too_big':
      return { ...found, code: issue.code, maximum: Number(issue.maximum) };
    case 'invalid_format':
      return { ...found, code: issue.code };
    default:
      return { ...found, code: 'invalid_type' };
  }
}
