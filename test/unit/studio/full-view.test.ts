import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Workflow } from '../../../client/src/comfy.ts';
import { addressOf } from '../../../studio/src/gallery/address.ts';
import { takersOf } from '../../../studio/src/gallery/takers.ts';
import { FITTING, moved, zoomed } from '../../../studio/src/gallery/zoom.ts';
import { archiveNames } from '../../../studio/src/jobs/save.ts';
import { decodeRecipe } from '../../../studio/src/session/recipe.ts';
import { jobOf } from '../../support/studio-jobs.ts';

const SIZE = { x: 800, y: 600 };

describe('a picture that is looked at closely', () => {
  const number = fc.double({ min: -2_000, max: 2_000, noNaN: true });
  const point = fc.record({ x: number, y: number });
  const step = fc.oneof(
    fc.record({ factor: fc.double({ min: 0.05, max: 20, noNaN: true }), point }),
    fc.record({ by: point }),
  );

  test('is never smaller than what fits, nor gone to the side, whatever is done', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { scale, x, y } = steps.reduce(
          (view, each) => ('by' in each ? moved(view, each.by, SIZE) : zoomed(view, each.factor, each.point, SIZE)),
          FITTING,
        );
        expect(scale).toBeGreaterThanOrEqual(1);
        expect(Math.abs(x)).toBeLessThanOrEqual((SIZE.x * (scale - 1)) / 2 + 1e-6);
        expect(Math.abs(y)).toBeLessThanOrEqual((SIZE.y * (scale - 1)) / 2 + 1e-6);
      }),
    );
  });

  test('keeps what is under the pointer there', () => {
    const pointer = { x: 100, y: -50 };
    const close = zoomed(FITTING, 3, pointer, SIZE);
    // A place of the picture, in pixels from its middle where it fits.
    const under = { x: (pointer.x - close.x) / close.scale, y: (pointer.y - close.y) / close.scale };
    expect(under).toEqual({ x: expect.closeTo(pointer.x), y: expect.closeTo(pointer.y) });
    expect(zoomed(close, 0.001, pointer, SIZE)).toEqual(FITTING);
  });
});

test('the address of a result names it unless it is the first of its job, and keeps the filter', () => {
  const job = jobOf({ id: 'job-1', artifacts: ['one', 'two'] });
  const [one = null, two = null] = job.artifacts;
  expect(addressOf({ job, artifact: one }, '?tag=a')).toBe('/gallery/job-1?tag=a');
  expect(addressOf({ job, artifact: two })).toBe('/gallery/job-1?artifact=two');
  expect(addressOf({ job, artifact: null })).toBe('/gallery/job-1');
});

test('files of the same name are told apart in an archive', () => {
  expect(archiveNames(['a.png', 'b.png', 'a.png', 'a.png'])).toEqual(['a.png', 'b.png', 'a (2).png', 'a (3).png']);
});

test('a result is an input of the workflows that take a file of its kind', () => {
  const file = (name: string, fileKind: string, list = false) => ({ name, title: name, type: 'FILE', fileKind, list });
  const workflows = [
    { name: 'inpaint', title: 'Inpaint', parameters: [file('image', 'IMAGE'), file('mask', 'MASK')] },
    { name: 'collage', title: 'Collage', parameters: [file('images', 'IMAGE', true), { name: 'x', type: 'STRING' }] },
    { name: 'dub', title: 'Dub', parameters: [file('sound', 'AUDIO')] },
  ] as unknown as Workflow[];
  const [artifact] = jobOf({ id: 'job-1', artifacts: ['one'] }).artifacts;
  if (!artifact) throw new Error('there is no artifact');
  const takers = takersOf(workflows, artifact);
  expect(takers.map(({ name }) => name)).toEqual(['Inpaint: image', 'Inpaint: mask', 'Collage']);
  const recipes = takers.map(({ href }) => decodeRecipe(href.slice(href.indexOf('#'))));
  expect(recipes).toEqual([
    { image: { artifact: 'one' } },
    { mask: { artifact: 'one' } },
    { images: [{ artifact: 'one' }] },
  ]);
});
