/** The kinds of faults in an input. docs/errors.md says what each means. */
export const issueCodes = [
  ...['editor_format', 'file_denied', 'invalid_cursor', 'invalid_format', 'invalid_string', 'invalid_type'],
  ...[
    'invalid_url',
    'invalid_workflow',
    'is_link',
    'name_taken',
    'node_denied',
    'not_a_choice',
    'not_applicable',
    'not_found',
    'not_multiple_of',
    'not_unique',
    'not_uploaded',
  ],
  ...['one_of', 'out_of_range', 'required', 'too_big', 'too_deep', 'too_small', 'unknown_class', 'unknown_field'],
  ...['unknown_node', 'wrong_type'],
] as const;
export type IssueCode = (typeof issueCodes)[number];

/** What a form needs to help with a fault. */
export interface IssueHints {
  /** The smallest number, or the least characters or items. One beyond 2^53-1 is the text of its digits. */
  minimum?: number | string;
  /** The largest number, or the most characters or items. */
  maximum?: number | string;
  /** All that could be given, where they are at most MAX_CHOICES. */
  choices?: readonly string[];
  /** The choice or the name that is likely to be meant. */
  suggestion?: string;
}

/** One fault in an input: where it is, what was expected, and a short machine-readable kind. */
export interface InputIssue extends IssueHints {
  /** From the operation's argument down, e.g. ['input', 'workflow', 'textToImage', 'width']. */
  path: (string | number)[];
  message: string;
  code: IssueCode;
}

/** What the public error code carries besides its message. */
export type GatewayErrorDetails =
  | { code: 'BAD_USER_INPUT'; issues: InputIssue[] }
  | { code: 'IDEMPOTENCY_KEY_REUSED'; jobId: string }
  | { code: 'NOT_FOUND' | 'CONFLICT' | 'LIMIT_EXCEEDED' | 'UNAUTHENTICATED' | 'FORBIDDEN' }
  /** A limit of the caller's plan: its name, what it is, what is left of it, and in how many seconds that is enough. */
  | { code: 'RATE_LIMITED' | 'QUOTA_EXCEEDED'; retryAfter: number; name: string; limit: number; remaining: number }
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

/** Nobody reads more of them at once. */
const MAX_ISSUES = 100;
/** A longer list is nothing to choose from in a form, and is left out; so are those beyond as many choices together. */
const MAX_CHOICES = 100;
const MAX_CHOICES_OF_ANSWER = 1_000;
/** Lists of choices are the longest. */
const MAX_ISSUE_CHARACTERS = 2_000;
const MAX_ECHOED_CHARACTERS = 200;
const TAIL_CHARACTERS = 40;

/** A text that may hold what a caller has sent, which may be a megabyte: what is too much is left out of its middle. */
export function excerpt(text: string, most = MAX_ECHOED_CHARACTERS): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - TAIL_CHARACTERS - 3)} … ${text.slice(-TAIL_CHARACTERS)}`.toWellFormed();
}

/**
 * BAD_USER_INPUT with every fault named in the message, so that a log line or a terminal shows enough: the first
 * hundred, with names of the caller's cut to 200 characters.
 */
export function badInput(given: InputIssue[]): GatewayError {
  let listed = 0;
  const issues = given.slice(0, MAX_ISSUES).map(({ path, message, choices, suggestion, ...rest }): InputIssue => {
    const fits = choices !== undefined && choices.length <= MAX_CHOICES;
    listed += fits ? choices.length : 0;
    return {
      path: path.map((part) => (typeof part === 'string' ? excerpt(part) : part)),
      message: excerpt(message, MAX_ISSUE_CHARACTERS),
      ...rest,
      ...(fits && listed <= MAX_CHOICES_OF_ANSWER && { choices: choices.map((choice) => excerpt(choice)) }),
      ...(suggestion !== undefined && { suggestion: excerpt(suggestion) }),
    };
  });
  const text = issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  return new GatewayError(text, { code: 'BAD_USER_INPUT', issues });
}

export function notFound(what: string): GatewayError {
  return new GatewayError(`${what} not found`, { code: 'NOT_FOUND' });
}

/** `missing`: the scopes that the caller lacks for it, as a key names them. */
export function forbidden(missing: string): GatewayError {
  return new GatewayError(`this needs the scope ${missing}`, { code: 'FORBIDDEN' });
}

/** The same for whatever is wrong with credentials, so that nobody learns which keys there are. */
export function unauthenticated(cause?: unknown): GatewayError {
  return new GatewayError(
    'Expected valid credentials: send an API key or a token that has not ended.',
    { code: 'UNAUTHENTICATED' },
    { cause },
  );
}

export function unavailable(message: string, retryAfterSeconds: number, cause?: unknown): GatewayError {
  return new GatewayError(message, { code: 'UNAVAILABLE', retryAfter: retryAfterSeconds }, { cause });
}
