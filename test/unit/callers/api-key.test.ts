import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isApiKeyId, newApiKey, parseApiKey, signingSecretOf } from '../../../src/callers/api-key.ts';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

describe('an API key', () => {
  it('has the form that docs give to scanners, and its id within', () => {
    const { id, text } = newApiKey();
    expect(text).toMatch(/^cg_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}$/);
    expect(text.split('_')[1]).toBe(id);
    expect(isApiKeyId(id)).toBe(true);
    expect(parseApiKey(text)).toEqual({ id });
  });

  it('has the checksum that CRC-32 gives, so that others can check it without this code', () => {
    // python3: zlib.crc32(b'cg_000000000000_00000000000000000000000000000000') is 1077740250, in base62 1Aw5TG.
    expect(parseApiKey('cg_000000000000_00000000000000000000000000000000_000000')).toBe('malformed');
    expect(parseApiKey('cg_000000000000_00000000000000000000000000000000_1Aw5TG')).toEqual({ id: '000000000000' });
  });

  it('uses every digit, none much more often than another', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 1_000; i++) {
      for (const digit of newApiKey().text.split('_')[2] ?? '') counts.set(digit, (counts.get(digit) ?? 0) + 1);
    }
    expect([...counts.keys()].sort().join('')).toBe([...DIGITS].sort().join(''));
    // 32,000 digits of 62: 516 of each, give or take 23. A byte modulo 62 would give the first eight 625.
    for (const digit of DIGITS.slice(0, 8)) expect(counts.get(digit)).toBeLessThan(620);
  });

  it('with one character changed, left out or doubled, or two exchanged, is malformed', () => {
    fc.assert(
      fc.property(
        fc.nat(53),
        fc.constantFrom(...DIGITS),
        fc.constantFrom('change', 'drop', 'double', 'swap'),
        (at, digit, how) => {
          const { text } = newApiKey();
          const there = text[at] ?? '';
          const typo = {
            change: `${text.slice(0, at)}${digit}${text.slice(at + 1)}`,
            drop: text.slice(0, at) + text.slice(at + 1),
            double: text.slice(0, at) + there + text.slice(at),
            swap: `${text.slice(0, at)}${text[at + 1] ?? ''}${there}${text.slice(at + 2)}`,
          }[how];
          fc.pre(typo !== text);
          expect(parseApiKey(typo)).toBe('malformed');
        },
      ),
    );
  });

  it('never is any other text', () => {
    fc.assert(fc.property(fc.string(), (text) => parseApiKey(text) === 'malformed'));
    fc.assert(
      fc.property(fc.string(), (text) => parseApiKey(`${newApiKey().text}${text}`) === 'malformed' || text === ''),
    );
    expect(parseApiKey(`${newApiKey().text}\n`)).toBe('malformed');
  });

  it('gives a signing secret that is no part of it', () => {
    const { text } = newApiKey();
    expect(signingSecretOf(text)).toMatch(/^[\w-]{43}$/);
    expect(signingSecretOf(text)).toBe(signingSecretOf(text));
    expect(signingSecretOf(newApiKey().text)).not.toBe(signingSecretOf(text));
  });
});
