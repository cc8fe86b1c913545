import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKey } from '../../../src/artifacts/keys.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import {
  formats,
  imageFormats,
  parseVariantKey,
  type VariantRequest,
  variantFilename,
  variantKey,
  variantOf,
} from '../../../src/variants/variant.ts';

const png = { contentType: 'image/png', width: 1024 };
const request = (changes: Partial<VariantRequest>): VariantRequest => ({
  format: null,
  width: null,
  quality: null,
  ...changes,
});

describe('what a request for a picture comes to', () => {
  it.each([
    ['nothing asked for', {}, png, null],
    ['its own format', { format: 'PNG' }, png, null],
    ['its own width', { width: 1024 }, png, null],
    ['a larger one', { width: 4096, format: 'PNG' }, png, null],
    ['a narrower one keeps the format', { width: 16 }, png, { format: 'PNG', width: 16, quality: null }],
    ['another format', { format: 'AVIF' }, png, { format: 'AVIF', width: null, quality: 50 }],
    ['larger, in another format', { format: 'WEBP', width: 2000 }, png, { format: 'WEBP', width: null, quality: 80 }],
    ['quality of a PNG that stays one', { width: 512, quality: 10 }, png, { format: 'PNG', width: 512, quality: null }],
    ['quality alone of a PNG', { quality: 10 }, png, null],
    [
      'quality alone of a JPEG',
      { quality: 10 },
      { contentType: 'image/jpeg', width: 9 },
      { format: 'JPEG', width: null, quality: 10 },
    ],
    [
      'a GIF becomes WEBP',
      { width: 100 },
      { contentType: 'image/gif', width: 200 },
      { format: 'WEBP', width: 100, quality: 80 },
    ],
    [
      'a GIF as wide as it is becomes WEBP all the same',
      { width: 200 },
      { contentType: 'image/gif', width: 200 },
      { format: 'WEBP', width: null, quality: 80 },
    ],
  ] as const)('%s', (_name, asked, original, expected) => {
    expect(variantOf(request(asked), original)).toEqual(expected);
  });

  it.each([
    [{ width: 15 }, ['width']],
    [{ width: 4097 }, ['width']],
    [{ width: -1, quality: 0 }, ['width', 'quality']],
    [{ quality: 101, format: 'WEBP' }, ['quality']],
    [{ quality: 101 }, ['quality']],
    [{ quality: 80, format: 'PNG' }, ['quality']],
  ] as const)('refuses %j', (asked, paths) => {
    expect.assertions(1);
    try {
      variantOf(request(asked), png);
    } catch (error) {
      const details = error instanceof GatewayError ? error.details : null;
      expect(details).toMatchObject({ code: 'BAD_USER_INPUT', issues: paths.map((path) => ({ path: [path] })) });
    }
  });
});

describe('the key of a variant', () => {
  it('tells all of it, is one that storage takes, and lies below the prefix of its job', () => {
    const variants = fc.record({
      format: fc.constantFrom(...imageFormats),
      width: fc.option(fc.integer({ min: 16, max: 4096 })),
      quality: fc.option(fc.integer({ min: 1, max: 100 })),
    });
    const originals = fc.stringMatching(/^jobs\/[0-9a-f][0-9a-f-]{0,35}\/[0-9]{1,3}\/[0-9]{2,4}\.[a-z0-9]{1,10}$/);
    fc.assert(
      fc.property(originals, variants, (originalKey, variant) => {
        const key = variantKey(originalKey, variant);
        expect(parseKey(key).startsWith(originalKey)).toBe(true);
        expect(parseVariantKey(key)).toEqual({ originalKey, variant });
        expect(parseVariantKey(originalKey)).toBeNull();
      }),
    );
  });

  it('gives a name to save under that fits the format', () => {
    const [webp, jpeg] = imageFormats.map((format) => ({ format, width: null, quality: null }));
    if (!webp || !jpeg) throw new Error('there are formats');
    expect(variantFilename('ComfyUI_00001_.png', webp)).toBe('ComfyUI_00001_.webp');
    expect(variantFilename('no extension. really', jpeg)).toBe('no extension. really.jpg');
    expect(Object.values(formats).map(({ extension }) => extension)).toEqual(['webp', 'jpg', 'png', 'avif']);
  });
});
