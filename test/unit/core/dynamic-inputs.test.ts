import { expect, test } from 'vitest';
import { inputNamed } from '../../../src/core/dynamic-inputs.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';

const codec = ['COMFY_DYNAMICCOMBO_V3', { options: [{ key: 'h264', inputs: { optional: { crf: ['INT', {}] } } }] }];
const format = ['COMFY_DYNAMICCOMBO_V3', { options: [{ key: 'mp4', inputs: { required: { codec } } }] }];
const pictures = ['COMFY_AUTOGROW_V3', { template: { input: { required: { picture: ['IMAGE', {}] } } } }];
const input = { required: { format, pictures, 'a.b': ['STRING', {}] } };
const known = objectInfoSchema.parse({ Save: { input } }).get('Save') ?? { inputs: new Map() };

test('an input behind dynamic ones is that of the options that are chosen', () => {
  const values = { format: 'mp4', 'format.codec': 'h264' };
  expect(inputNamed(known, values, 'format.codec')).toMatchObject({ required: true, spec: { kind: 'DYNAMIC' } });
  expect(inputNamed(known, values, 'format.codec.crf')).toEqual({ required: false, spec: { kind: 'INT' } });
  expect(inputNamed(known, { ...values, 'format.codec': 'av1' }, 'format.codec.crf')).toBeUndefined();
  expect(inputNamed(known, { 'format.codec': 'h264' }, 'format.codec.crf')).toBeUndefined();
  expect(inputNamed(known, values, 'format.__proto__')).toBeUndefined();
});

test('those of any number are alike, and a name with a dot may be one of the class', () => {
  expect(inputNamed(known, {}, 'pictures.picture7')).toEqual({
    required: false,
    spec: { kind: 'LINK', type: 'IMAGE' },
  });
  expect(inputNamed(known, {}, 'a.b')?.spec.kind).toBe('STRING');
  expect(inputNamed(known, {}, 'a.c')).toBeUndefined();
});
