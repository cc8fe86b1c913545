import * as z from 'zod';
import type { InputIssue } from '../core/errors.ts';
import { toInputIssue } from '../core/zod-issue.ts';

const printable = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u;
/** Keys that look alike must be alike: without what nobody sees (zero width, direction) and spaces of other kinds. */
const visible = /^(?:[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]| )*$/u;
const label = (max: number, allowed = printable, expected = 'expected printable characters') =>
  z
    .string('expected a string')
    .min(1, `expected 1 to ${max} characters, got none`)
    .max(max, `expected at most ${max} characters`)
    .regex(allowed, expected);

/** Longest that an answer is held, in seconds. */
export const MAX_WAIT_SECONDS = 60;
/** The most labels of one job. */
export const MAX_TAGS = 16;

const tag = label(64);
const EXPECTED_KEY = 'expected 1 to 255 printable ASCII characters';
const wait = `expected 0 to ${MAX_WAIT_SECONDS} seconds`;
const schema = z.object({
  idempotencyKey: label(255, visible, 'expected printable characters, none that is invisible, and plain spaces'),
  deadlineSeconds: z.int('expected an integer').min(1, 'expected at least 1 second').nullish(),
  waitSeconds: z.int('expected an integer').min(0, wait).max(MAX_WAIT_SECONDS, wait).nullish(),
  comfyOrgApiKey: z
    .string('expected a string')
    .regex(/^[\x20-\x7e]{1,255}$/, EXPECTED_KEY)
    .nullish(),
  tags: z.array(tag, 'expected a list').max(MAX_TAGS, `expected at most ${MAX_TAGS} tags`).nullish(),
});

/**
 * What is wrong with `generate`'s own arguments, whatever the workflow and the configuration; `path` leads those of the
 * issues.
 */
export function checkGenerateArguments(input: unknown, path: readonly (string | number)[]): InputIssue[] {
  return issuesOf(schema, input, path);
}

/** The same of `retryJob`'s. */
export function checkRetryArguments(input: unknown): InputIssue[] {
  return issuesOf(schema.pick({ idempotencyKey: true }), input, []);
}

/** The same of `job`'s. */
export function checkWait(input: unknown): InputIssue[] {
  return issuesOf(schema.pick({ waitSeconds: true }), input, []);
}

/** The same of a tag. */
export function checkTag(input: unknown, path: readonly (string | number)[]): InputIssue[] {
  return issuesOf(tag, input, path);
}

function issuesOf(checked: z.ZodType, input: unknown, path: readonly (string | number)[]): InputIssue[] {
  return (checked.safeParse(input).error?.issues ?? []).map((issue) => toInputIssue(issue, path));
}
