import { expect, test } from 'vitest';
import { BLANK, extended, redo, type Stroke, undo, withStroke } from '../../../studio/src/make/strokes.ts';

const dot: Stroke = { kind: 'paint', size: 4, points: [{ x: 1, y: 1 }] };

test('strokes are undone and done again, the last first, until another one is made', () => {
  const both = withStroke(withStroke(BLANK, dot), { kind: 'invert' });
  const one = undo(both);
  expect(one.done).toEqual([dot]);
  expect(redo(one)).toEqual(both);
  expect(undo(undo(undo(both))).done).toEqual([]);
  expect(redo(withStroke(one, { kind: 'fill' })).done).toEqual([dot, { kind: 'fill' }]);
});

test('a stroke under way becomes longer, and one of the whole picture stays as it is', () => {
  expect(extended(dot, { x: 2, y: 3 })).toMatchObject({
    points: [
      { x: 1, y: 1 },
      { x: 2, y: 3 },
    ],
  });
  expect(extended({ kind: 'fill' }, { x: 2, y: 3 })).toEqual({ kind: 'fill' });
});
