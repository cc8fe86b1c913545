import type { Json } from './job.ts';

/** Only what is plain ASCII is read here: Python knows more digits and spaces. */
const PLAIN = /^[\x20-\x7e]*$/;
const INTEGER = /^[+-]?\d+(_\d+)*$/;
const FLOAT = /^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i;
/** Of a text that `int()` reads, with its sign at most so many: Python refuses to spend more time on one. */
const MOST_DIGITS = 4_300;
const WORD = /^([+-]?)(inf|infinity|nan)$/i;

/**
 * What Python's `int()` or `float()`, which ComfyUI puts over the value of an INT or FLOAT, makes of it, to the last
 * digit: null where they raise, NaN where that cannot be decided here.
 */
export function pythonNumber(kind: 'INT' | 'FLOAT', value: Json): number | bigint | null {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return kind === 'INT' ? Math.trunc(value) : value;
  if (typeof value !== 'string') return null;
  if (!PLAIN.test(value)) return Number.NaN;
  const text = value.trim();
  if ((kind === 'INT' ? INTEGER : FLOAT).test(text)) {
    const digits = text.replaceAll('_', '');
    if (kind === 'FLOAT' || Number.isSafeInteger(Number(digits))) return Number(digits);
    return digits.length > MOST_DIGITS ? null : BigInt(digits.replace('+', ''));
  }
  const [, sign, word] = (kind === 'FLOAT' && WORD.exec(text)) || [];
  if (!word) return null;
  if (/nan/i.test(word)) return Number.NaN;
  return sign === '-' ? -Infinity : Infinity;
}
