import { parseExactJson } from '../../src/core/exact-json.ts';

/** Strings are matched first, so that what stands inside of them is left alone. */
const STRING_OR_BARE_NUMBER = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/** What custom nodes answer nests a dozen deep, a saved workflow with subgraphs some more. */
const MOST_DEPTH = 100;
/** All classes of a ComfyUI with hundreds of custom nodes are some 500,000, the longest refusal twice as many. */
const MOST_VALUES = 2_000_000;

/**
 * JSON as Python writes it: a bare NaN or Infinity is read as null, a whole number that would be rounded as its text.
 * Throws SyntaxError.
 */
export function parsePythonJson(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (cause) {
    if (!/NaN|Infinity/.test(text)) throw cause;
    return parseExactJson(text.replace(STRING_OR_BARE_NUMBER, (found) => (found.startsWith('"') ? found : 'null')));
  }
}

/** The same; undefined where it is no JSON. */
export function tryParsePythonJson(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Parses JSON of at most a hundred levels and two million values, counted before anything is made of it: a few bytes
 * make an object of a hundred. Throws RangeError for more, and SyntaxError.
 */
export function parseBoundedJson(bytes: Uint8Array): unknown {
  let depth = 0;
  let values = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === COMMA) values++;
    else if (OPENING.has(byte)) {
      values++;
      depth++;
    } else if (CLOSING.has(byte)) depth--;
    if (depth > MOST_DEPTH || values > MOST_VALUES) throw new RangeError('more levels or values than may be');
  }
  return parsePythonJson(new TextDecoder().decode(bytes));
}
