import { expect, onTestFinished, test } from 'vitest';
import { createVariantMaker } from '../../../src/variants/make-variants.ts';
import { variantKey } from '../../../src/variants/variant.ts';
import { silent } from '../../support/gateway-store.ts';

const REMEMBERED = 1_000;

test('the last thousand pictures that could not be converted are not tried again', async () => {
  let looked: string[] = [];
  const maker = createVariantMaker({
    artifacts: {
      // The originals are larger than any that is converted; nothing is made of them.
      head: async (key) => {
        looked.push(key);
        return key.endsWith('.webp') ? null : { sizeBytes: 2 ** 40, contentType: 'image/png', modifiedAt: new Date(0) };
      },
      read: async () => null,
      put: async () => undefined,
      removePrefix: async () => undefined,
    },
    claims: { claim: async () => [] },
    onRedisDown: () => undefined,
    log: silent,
  });
  onTestFinished(() => maker.close());
  const original = (i: number) => `jobs/${i}/1/00.png`;
  const ask = (i: number) => maker.ensure(variantKey(original(i), { format: 'WEBP', width: 16, quality: 80 }));
  const tooLarge = { name: 'VariantError', reason: 'tooLarge' };
  await expect(ask(0)).rejects.toMatchObject(tooLarge);
  for (let from = 1; from <= REMEMBERED; from += 50) {
    const some = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => ask(from + i)));
    expect(some.filter(({ status }) => status === 'fulfilled')).toEqual([]);
  }
  looked = [];
  for (const i of [1, REMEMBERED]) await expect(ask(i)).rejects.toMatchObject(tooLarge);
  expect(looked.filter((key) => !key.endsWith('.webp'))).toEqual([]);
  await expect(ask(0)).rejects.toMatchObject(tooLarge);
  expect(looked.filter((key) => !key.endsWith('.webp'))).toEqual([original(0)]);
});
