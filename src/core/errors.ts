/** One fault in an input: where it is, what was expected, and a short machine-readable kind. */
export interface InputIssue {
  /** From the operation's argument down, e.g. ['input', 'workflow', 'textToImage', 'width']. */
  path: (string | number)[];
  message: string;
  code: string;
}

/** What the public error code carries besides its message. */
export type GatewayErrorDetails =
  | { code: 'BAD_USER_INPUT'; issues: InputIssue[] }
  | { code: 'IDEMPOTENCY_KEY_REUSED'; jobId: string }
  | { code: 'NOT_FOUND' | 'CONFLICT' | 'LIMIT_EXCEEDED' }
  /** `retryAfter` in seconds. */
  | { code: 'UNAVAILABLE'; retryAfter: number };

/** An error that the caller is meant to see. Everything else is masked as INTERNAL. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly details: GatewayErrorDetails;

  constructor(message: string, details: GatewayErrorDetails, options?: ErrorOptions) {
    super(message, options);
    this.details = details;
  }
}

/** BAD_USER_INPUT with every fault named in the message, so that a log line or a terminal shows enough. */
export function badInput(issues: InputIssue[]): GatewayError {
  const text = issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  return new GatewayError(text, { code: 'BAD_USER_INPUT', issues });
}

export function notFound(what: string): GatewayError {
  return new GatewayError(`${what} not found`, { code: 'NOT_FOUND' });
}

export function unavailable(message: string, retryAfterSeconds: number, cause?: unknown): GatewayError {
  return new GatewayError(message, { code: 'UNAVAILABLE', retryAfter: retryAfterSeconds }, { cause });
}
