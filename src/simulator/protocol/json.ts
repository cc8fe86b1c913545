/** A number that JavaScript would round, such as a 64-bit seed, kept as its text. */
export interface RawNumber {
  readonly rawJSON: string;
}

declare global {
  interface JSON {
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
  }
}

type Reviver = (this: object, key: string, value: unknown, context: { source?: string }) => unknown;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}

/** Keeps whole numbers beyond 2^53 exact: ComfyUI's seeds go up to 2^64 - 1 and history shows them unchanged. */
export function exactNumber(value: unknown, source: string | undefined): unknown {
  if (typeof value !== 'number' || source === undefined || Number.isSafeInteger(value)) return value;
  return /^-?\d+$/.test(source) ? JSON.rawJSON(source) : value;
}

const keepExact: Reviver = (_key, value, context) => exactNumber(value, context.source);

/** JSON text to a value. Only text with a long number is parsed in the slow, exact way. */
export function parseJson(text: string): unknown {
  return /\d{16}/.test(text)
    ? JSON.parse(text, keepExact as (key: string, value: unknown) => unknown)
    : JSON.parse(text);
}

const keepNumbers: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined ? JSON.rawJSON(source) : value;

/** JSON text with a line for each value, its numbers as they are; undefined where it is no JSON. */
export function indentJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text, keepNumbers as (key: string, value: unknown) => unknown), null, 2);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const beyondAscii = /[\u007f-\uffff]/;

/** JSON as Python's encoder writes it by default: everything beyond ASCII escaped. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!beyondAscii.test(text)) return text;
  return text.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
