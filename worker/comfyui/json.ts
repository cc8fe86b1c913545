/** Strings are matched first, so that what stands inside of them is left alone. */
const STRING_OR_BARE_NUMBER = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/** What custom nodes answer nests a dozen deep, a saved workflow with subgraphs some more. */
const MOST_DEPTH = 100;
/** All classes of a ComfyUI with hundreds of custom nodes are some 500,000, the longest refusal twice as many. */
const MOST_VALUES = 2_000_000;

type Reviver = (this: object, key: string, value: unknown, context: { source?: string }) => unknown;

/** JSON as Python writes it: a bare NaN or Infinity is read as null. Throws SyntaxError. */
export function parsePythonJson(text: string, reviver?: Reviver): unknown {
  // The types do not know the third argument yet.
  const parse = (json: string): unknown => JSON.parse(json, reviver as (key: string, value: unknown) => unknown);
  try {
    return parse(text);
  } catch (cause) {
    if (!/NaN|Infinity/.test(text)) throw cause;
    return parse(text.replace(STRING_OR_BARE_NUMBER, (found) => (found.startsWith('"') ? found : 'null')));
  }
}

/** An integer that no number holds exactly, such as a seed of 64 bits, becomes its digits. */
const keepDigits: Reviver = (_key, value, { source = '' }) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value;

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
 * make an object of a hundred. Throws RangeError for more, and SyntaxError. `exact`: integers beyond 2^53 become texts.
 */
export function parseBoundedJson(bytes: Uint8Array, { exact = false } = {}): unknown {
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
  const text = new TextDecoder().decode(bytes);
  // A reviver takes its time, and few answers have such a number.
  return parsePythonJson(text, exact && /\d{16}/.test(text) ? keepDigits : undefined);
}
