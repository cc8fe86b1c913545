import { describe, expect, test } from 'vitest';
import {
  drawSeed,
  faultOf,
  fitting,
  inputOf,
  sliderOf,
  unitOf,
  withoutDefaults,
} from '../../../studio/src/make/form-model.ts';
import { workflowParameter as parameter } from '../../support/workflow-parameter.ts';

describe('what is wrong with a value', () => {
  const width = parameter({ minimum: 64, maximum: 2048, multipleOf: 8 });
  test.for([
    [width, 512, undefined],
    [width, 63, 'At least 64.'],
    [width, 4096, 'At most 2048.'],
    [width, 500, 'A multiple of 8, such as 504.'],
    [width, 512.5, 'Give a whole number.'],
    [width, Number.NaN, 'Give a number.'],
    [parameter({ type: 'FLOAT', multipleOf: 0.1 }), 0.3, undefined],
    [parameter({ type: 'FLOAT', multipleOf: 0.1 }), 0.35, 'A multiple of 0.1, such as 0.3.'],
    [parameter({ type: 'STRING', maxLength: 3 }), 'abcd', '1 character too many.'],
    [parameter({ type: 'STRING', maxLength: 3 }), '🦊🦊🦊', undefined],
    [parameter({ type: 'STRING', required: true }), '', 'This is needed.'],
    [parameter({ type: 'FILE', required: true }), undefined, 'This is needed.'],
    [parameter({ list: true, maximum: 3 }), [1, 4], 'Number 2: At most 3.'],
    [parameter({}), undefined, undefined],
  ] as const)('%# is said by the limits that the API tells', ([of, value, said]) => {
    expect(faultOf(of, value)).toBe(said);
  });
});

describe('an input', () => {
  const parameters = [
    parameter({ name: 'prompt', type: 'STRING', required: true }),
    parameter({ name: 'negativePrompt', type: 'STRING', default: 'blurry' }),
    parameter({ name: 'style', type: 'STRING', default: '' }),
    parameter({ name: 'images', type: 'FILE', list: true }),
  ];

  test('has what was chosen of what the workflow has, and nothing that is empty', () => {
    const chosen = { prompt: 'a boat', style: '', images: [], gone: 1 };
    expect(inputOf(parameters, chosen)).toEqual({ prompt: 'a boat' });
  });

  test('has an empty text where the workflow would put another one', () => {
    expect(inputOf(parameters, { prompt: 'a boat', negativePrompt: '' })).toEqual({
      prompt: 'a boat',
      negativePrompt: '',
    });
  });

  test('keeps of a recipe only what controls can show, whatever an address says', () => {
    const recipe = {
      prompt: { upload: 'no text' },
      images: [{ upload: 'u' }, { artifact: 'a', url: 'two' }],
      style: 'oil',
      constructor: 1,
    };
    expect(fitting(parameters, recipe)).toEqual({ style: 'oil' });
    expect(fitting(parameters, { images: [{ upload: 'u' }] })).toEqual({ images: [{ upload: 'u' }] });
  });

  test('of a job leaves out what is as the workflow has it', () => {
    expect(withoutDefaults(parameters, { prompt: 'a', negativePrompt: 'blurry', style: 'oil' })).toEqual({
      prompt: 'a',
      style: 'oil',
    });
  });
});

test('a slider is there where both bounds are, with steps that a pointer can meet', () => {
  expect(sliderOf(parameter({ minimum: 64, maximum: 2048, multipleOf: 8 }))).toEqual({ min: 64, max: 2048, step: 8 });
  expect(sliderOf(parameter({ type: 'FLOAT', minimum: 0, maximum: 1 }))).toEqual({ min: 0, max: 1, step: 0.01 });
  expect(sliderOf(parameter({ type: 'FLOAT', minimum: 1, maximum: 30 }))?.step).toBe(0.1);
  expect(sliderOf(parameter({ minimum: 0, maximum: 16_777_215 }))).toBeNull();
  expect(sliderOf(parameter({ minimum: 0 }))).toBeNull();
  expect(sliderOf(parameter({ type: 'SEED', minimum: 0, maximum: 100 }))).toBeNull();
});

test('a number has the unit that its name or description tells', () => {
  expect(unitOf(parameter({ name: 'imageWidth' }))).toBe('px');
  expect(unitOf(parameter({ name: 'growMask', description: 'Pixels by which the mask is grown.' }))).toBe('px');
  expect(unitOf(parameter({ name: 'length', description: 'Length in seconds.' }))).toBe('s');
  expect(unitOf(parameter({ name: 'rate', description: 'Frames per second.' }))).toBe('fps');
  expect(unitOf(parameter({ name: 'steps', description: 'How many.' }))).toBeUndefined();
  expect(unitOf(parameter({ name: 'width', type: 'STRING' }))).toBeUndefined();
});

test('a seed is drawn from all that the workflow takes, its ends included', () => {
  const seed = parameter({ type: 'SEED', minimum: 3, maximum: 5 });
  expect([0, 0.5, 0.999999].map((random) => drawSeed(seed, () => random))).toEqual([3, 4, 5]);
  const widest = drawSeed(parameter({ type: 'SEED' }), () => 1 - Number.EPSILON / 2);
  expect(Number.isSafeInteger(widest)).toBe(true);
});
