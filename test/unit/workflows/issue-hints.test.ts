import { expect, test } from 'vitest';
import { badInput, type InputIssue } from '../../../src/core/errors.ts';
import { shippedCatalogue } from '../../support/graph-services.ts';

const catalogue = await shippedCatalogue();

function issuesOf(input: { [name: string]: unknown }): InputIssue[] {
  const parsed = catalogue.get('textToImage')?.parse({ prompt: 'a boat', ...input }, []);
  return parsed?.ok === false ? parsed.issues : [];
}

test.each([
  [{ steps: 1000 }, { code: 'too_big', minimum: 1, maximum: 150 }],
  [{ width: 101 }, { code: 'not_multiple_of', minimum: 64, maximum: 2048 }],
  [{ prompt: '' }, { code: 'too_small', minimum: 1, maximum: 5000 }],
  [{ sampler: 'EULR' }, { code: 'not_a_choice', suggestion: 'EULER', choices: expect.arrayContaining(['EULER']) }],
  [{ negativPrompt: 'x' }, { code: 'unknown_field', suggestion: 'negativePrompt' }],
])('an issue of %j has what a form needs', (input, expected) => {
  expect(issuesOf(input)).toMatchObject([expected]);
});

test('a value that is refused leaves the others for what is checked next', () => {
  const parsed = catalogue.get('textToImage')?.parse({ prompt: 'a boat', steps: 1000, model: 'x.ckpt' }, []);
  expect(parsed).toMatchObject({ ok: false, parameters: { prompt: 'a boat', model: 'x.ckpt', width: 512 } });
});

test('choices are told in full or not at all, and a thousand in one answer at most', () => {
  const issue = (count: number): InputIssue => ({
    path: ['x'],
    message: 'no',
    code: 'not_a_choice',
    choices: Array.from({ length: count }, (_, i) => `${i}`.repeat(300)),
    suggestion: 'y'.repeat(300),
  });
  const { details } = badInput([issue(101), ...Array.from({ length: 12 }, () => issue(100))]);
  const issues = details.code === 'BAD_USER_INPUT' ? details.issues : [];
  expect(issues.map(({ choices }) => choices?.length)).toEqual([
    undefined,
    ...Array(10).fill(100),
    undefined,
    undefined,
  ]);
  for (const text of [...(issues[1]?.choices ?? []), issues[1]?.suggestion ?? ''])
    expect(text.length).toBeLessThanOrEqual(200);
});
