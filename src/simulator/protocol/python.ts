import { isRecord, type RawNumber } from './json.ts';

/** An exception as ComfyUI would report it: `type` is the dotted class name, without `builtins.`. */
export class PythonError extends Error {
  readonly type: string;
  /** What ComfyUI adds after the message in `exception_message`. */
  readonly tips: string;

  constructor(type: string, message: string, tips = '') {
    super(message);
    this.type = type;
    this.tips = tips;
  }
}

/** Name of the Python type that a JSON value has, as error texts show it. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  if (JSON.isRawJSON(value)) return 'int';
  if (Array.isArray(value)) return 'list';
  return 'dict';
}

/** `repr(float)`: always with a point or an exponent. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return `${value}.0`;
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** `repr(value)` of a JSON value. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : floatText(value);
  if (JSON.isRawJSON(value)) return value.rawJSON;
  if (typeof value === 'string') return stringRepr(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (isRecord(value)) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${stringRepr(key)}: ${repr(item)}`)
      .join(', ')}}`;
  }
  return String(value);
}

function stringRepr(value: string): string {
  const escaped = value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t');
  if (escaped.includes("'") && !escaped.includes('"')) return `"${escaped}"`;
  return `'${escaped.replace(/'/g, "\\'")}'`;
}

/** `str(value)`. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : repr(value);
}

/** `int(value)`; the error is the one Python raises. */
export function toInt(value: unknown): number | RawNumber {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return Math.trunc(value);
  if (JSON.isRawJSON(value)) return value;
  if (typeof value === 'string') {
    const digits = value.trim().replace(/(?<=\d)_(?=\d)/g, '');
    if (!/^[+-]?\d+$/.test(digits)) {
      throw new PythonError('ValueError', `invalid literal for int() with base 10: ${repr(value)}`);
    }
    const number = Number(digits);
    return Number.isSafeInteger(number) ? number : JSON.rawJSON(String(BigInt(digits)));
  }
  const kind = typeName(value);
  throw new PythonError(
    'TypeError',
    `int() argument must be a string, a bytes-like object or a real number, not '${kind}'`,
  );
}

/** `float(value)`; the error is the one Python raises. */
export function toFloat(value: unknown): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return value;
  if (JSON.isRawJSON(value)) return Number(value.rawJSON);
  if (typeof value === 'string') {
    const trimmed = value.trim();
    if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return Number(trimmed);
    if (/^[+-]?(inf|infinity)$/i.test(trimmed)) return trimmed.startsWith('-') ? -Infinity : Infinity;
    if (/^[+-]?nan$/i.test(trimmed)) return Number.NaN;
    throw new PythonError('ValueError', `could not convert string to float: ${repr(value)}`);
  }
  throw new PythonError('TypeError', `float() argument must be a string or a real number, not '${typeName(value)}'`);
}

/** `bool(value)`, for which all text but the empty is true, "false" too. */
export function toBool(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isRecord(value)) return Object.keys(value).length > 0;
  if (JSON.isRawJSON(value)) return true;
  return Boolean(value);
}

/** Below, at or above: exact also beyond 2^53. */
export function compareNumbers(a: number | RawNumber, b: number | RawNumber): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const left = wide(a);
  const right = wide(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

function wide(value: number | RawNumber): number | bigint {
  return typeof value === 'number' ? value : BigInt(value.rawJSON);
}

export function isNumeric(value: unknown): value is number | RawNumber {
  return typeof value === 'number' || JSON.isRawJSON(value);
}
