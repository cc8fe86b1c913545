/** An error as it is logged. Other fields of errors are left out, since drivers attach whole requests to them. */
export interface LoggedError {
  type: string;
  message: string;
  stack?: string;
  code?: string;
  cause?: LoggedError;
  errors?: LoggedError[];
}

const DEEPEST = 5;
const MOST = 10;
const LONGEST = 2_000;
const LONGEST_STACK = 8_000;

/** `thrown` may be any value, since JavaScript can throw any. */
export function serializeError(thrown: unknown, depth = 0): LoggedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: cut(describe(thrown), LONGEST) };
  const { name, message, stack, cause } = thrown;
  const code =
    'code' in thrown && (typeof thrown.code === 'string' || typeof thrown.code === 'number') ? thrown.code : null;
  const inner = thrown instanceof AggregateError ? thrown.errors.slice(0, MOST) : [];
  return {
    type: name,
    message: cut(message, LONGEST),
    ...(stack === undefined ? {} : { stack: cut(stack, LONGEST_STACK) }),
    ...(code === null ? {} : { code: String(code) }),
    ...(cause === undefined || depth >= DEEPEST ? {} : { cause: serializeError(cause, depth + 1) }),
    ...(inner.length === 0 || depth >= DEEPEST ? {} : { errors: inner.map((each) => serializeError(each, depth + 1)) }),
  };
}

function describe(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null ? 'no error was thrown, but an object' : String(thrown);
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)} (cut)` : text;
}
