import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteRange } from '../../../../src/http/files/conditional-request.ts';

describe('a byte range', () => {
  it('lies within the file', () => {
    const size = fc.integer({ min: 0, max: 1000 });
    const end = fc.oneof(
      fc.constant(''),
      fc.bigInt({ min: 0n, max: 10n ** 16n }).map(String),
      fc.nat(1200).map(String),
    );
    fc.assert(
      fc.property(size, end, end, (sizeBytes, first, last) => {
        const range = byteRange(`bytes=${first}-${last}`, sizeBytes);
        if (range === null || range === 'unsatisfiable') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThanOrEqual(range.start);
        expect(range.end).toBeLessThan(sizeBytes);
      }),
    );
  });
});
