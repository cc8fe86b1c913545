import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../../../src/artifacts/artifact-store.ts';
import { contentHeaders } from '../../../src/artifacts/content-headers.ts';
import { safeFilename } from '../../../src/artifacts/filename.ts';
import { artifactKey, jobPrefix } from '../../../src/artifacts/keys.ts';
import { signedQuery, verifiedGrant } from '../../../src/artifacts/signed-query.ts';
import { signingWindow } from '../../../src/artifacts/signing-window.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme', maxLength: 400 }));

describe('names', () => {
  it('A59 are safe whatever they were made of, and stay as they are when made safe again', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const safe = safeFilename(name);
        expect(safe).not.toMatch(/["'`<>:;|?*%\\/]|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|^[.\s]|[.\s]$/u);
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(200);
        expect(safe.length).toBeGreaterThan(0);
        expect(safeFilename(safe)).toBe(safe);
      }),
    );
  });

  it('A59 make a header of printable ASCII that names one file', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (name, download) => {
        const { contentDisposition } = contentHeaders('image/png', name, download);
        expect(contentDisposition).toMatch(
          /^(?:inline|attachment); filename="[^"\\]*"(?:; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]+)?$/,
        );
        expect(contentDisposition).toMatch(/^[\x20-\x7e]+$/);
      }),
    );
  });

  it('keep their extension when they are too long', () => {
    expect(safeFilename(`${'ж'.repeat(300)}.png`)).toMatch(/^ж{98}\.png$/);
  });
});

describe('keys', () => {
  it('have the job, the lease and the place in them', () => {
    expect(artifactKey('0198c0de-aaaa', 3, 7, 'PNG')).toBe('jobs/0198c0de-aaaa/3/07.png');
    expect(artifactKey('a', 1, 123, '../x')).toBe('jobs/a/1/123.bin');
    expect(jobPrefix('a')).toBe('jobs/a/');
    for (const id of ['', '..', 'a/b', 'a\n']) expect(() => jobPrefix(id)).toThrow(StorageError);
    expect(() => artifactKey('a', -1, 0, 'png')).toThrow(StorageError);
  });
});

describe('the life of an address', () => {
  const time = fc.integer({ min: 1.7e12, max: 4e12 });

  it('is never longer than asked for, than 7 days or than its limit, and at least three quarters of that', () => {
    fc.assert(
      fc.property(
        time,
        fc.integer({ min: 1, max: 2e6 }),
        fc.option(time, { nil: undefined }),
        (now, life, notAfter) => {
          const { startsAtMs, expiresAtMs } = signingWindow(now, {
            expiresInSeconds: life,
            ...(notAfter !== undefined && { notAfter }),
          });
          const asked = Math.min(life, 7 * 86_400) * 1000;
          expect(startsAtMs).toBeLessThanOrEqual(now);
          expect(expiresAtMs - startsAtMs).toBeGreaterThanOrEqual(1000);
          expect(expiresAtMs - startsAtMs).toBeLessThanOrEqual(asked);
          expect(expiresAtMs).toBeLessThanOrEqual(Math.min(now + asked, notAfter ?? Number.POSITIVE_INFINITY));
          if (notAfter === undefined) expect(expiresAtMs - now).toBeGreaterThanOrEqual(asked * 0.75 - 1000);
          expect([startsAtMs % 1000, expiresAtMs % 1000]).toEqual([0, 0]);
        },
      ),
    );
  });

  it('is at least as long as asked for where it is steady, at most twice that, and stays the same as long', () => {
    const halfOf7Days = 3.5 * 86_400;
    fc.assert(
      fc.property(time, fc.integer({ min: 1, max: halfOf7Days }), (now, expiresInSeconds) => {
        const asked = expiresInSeconds * 1000;
        const windowAt = (at: number) => signingWindow(at, { expiresInSeconds, steady: true });
        const { startsAtMs, expiresAtMs } = windowAt(now);
        expect(expiresAtMs - now).toBeGreaterThan(asked);
        expect(expiresAtMs - now).toBeLessThanOrEqual(2 * asked);
        expect(windowAt(startsAtMs)).toEqual(windowAt(startsAtMs + asked - 1));
      }),
    );
    const longest = signingWindow(Date.UTC(2030, 0, 31), { expiresInSeconds: 7 * 86_400, steady: true });
    expect(longest.expiresAtMs - longest.startsAtMs).toBe(7 * 86_400_000);
    expect(longest.expiresAtMs - Date.UTC(2030, 0, 31)).toBeGreaterThanOrEqual(0.75 * 7 * 86_400_000);
  });
});

describe('a signed query', () => {
  it('A61 grants exactly what was signed', () => {
    const disposition = fc.constantFrom('inline' as const, 'attachment' as const);
    const grants = fc.record({ key: fc.string(), expires: fc.integer({ min: 1 }), disposition, filename: fc.string() });
    fc.assert(
      fc.property(grants, grants, (grant, other) => {
        const query = new URLSearchParams(signedQuery(grant, 'secret'));
        expect(verifiedGrant(grant.key, query, 'secret', 0)).toEqual(grant);
        expect(verifiedGrant(grant.key, query, 'secret', grant.expires * 1000)).toBeNull();
        expect(verifiedGrant(grant.key, query, 'another', 0)).toBeNull();
        expect(verifiedGrant(`${grant.key}x`, query, 'secret', 0)).toBeNull();
        const swapped = new URLSearchParams(signedQuery(other, 'secret'));
        swapped.set('signature', query.get('signature') ?? '');
        if (JSON.stringify(grant) !== JSON.stringify(other)) {
          expect(verifiedGrant(other.key, swapped, 'secret', 0)).toBeNull();
        }
        query.append('expires', String(grant.expires));
        expect(verifiedGrant(grant.key, query, 'secret', 0)).toBeNull();
      }),
    );
  });
});
