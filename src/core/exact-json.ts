/** Sixteen digits: every whole number of fewer is one that JavaScript holds. */
const LONG_NUMBER = /\d{16}/;
const LONG_INTEGER = /^-?[1-9]\d{15,}$/;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Parses JSON without rounding: a whole number beyond 2^53-1, such as a seed of 64 bits, becomes the text of its
 * digits. ComfyUI makes the same number of both wherever an INT or a FLOAT is declared. What no number holds, beyond
 * some 1.8e308, becomes Infinity as with `JSON.parse`. Throws SyntaxError.
 */
export function parseExactJson(text: string): unknown {
  // A reviver, which is given the digits too, takes forty times as long for all that is parsed.
  return JSON.parse(LONG_NUMBER.test(text) ? quoteLongIntegers(text) : text);
}

/** A number as it is written: itself, or its text where it would be rounded. */
export function exactNumber(written: string): number | string {
  const value = Number(written);
  return LONG_INTEGER.test(written) && Number.isFinite(value) && !Number.isSafeInteger(value) ? written : value;
}

/** Whether a value is a whole number that `parseExactJson` has made a text of. */
export function isLongInteger(value: unknown): boolean {
  return typeof value === 'string' && LONG_INTEGER.test(value);
}

function quoteLongIntegers(text: string): string {
  const number = /[-+.\dEe]+/y;
  const parts: string[] = [];
  let copied = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) i = endOfString(text, i);
    else if (char === MINUS || (char >= ZERO && char <= NINE)) {
      number.lastIndex = i;
      const [written = ''] = number.exec(text) ?? [];
      if (typeof exactNumber(written) === 'string') {
        parts.push(text.slice(copied, i), `"${written}"`);
        copied = i + written.length;
      }
      i += written.length - 1;
    }
  }
  return parts.join('') + text.slice(copied);
}

/** Where the string that begins here has its closing quote; the end of a text that has none. */
export function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote;
  }
  return text.length;
}
