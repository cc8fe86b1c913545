import type { Job } from './job.ts';

/** One fault in an input. `minimum`, `maximum`, `choices` and `suggestion` are there where they help a form. */
export interface InputIssue {
  /** From the argument of the operation down: `['input', 'workflow', 'textToImage', 'width']`. */
  path: (string | number)[];
  message: string;
  code: string;
  minimum?: number | string;
  maximum?: number | string;
  choices?: string[];
  suggestion?: string;
}

/** What a gateway says beside the message of an error. */
export type ErrorDetails = Record<string, unknown> & { code?: string };

/**
 * An error of the API, with a code of docs/errors.md; those that a caller is likely to meet have classes. Three codes
 * are the client's own: BAD_RESPONSE where something else than a gateway has answered, UPLOAD_REFUSED where a file was
 * not taken at its address, and CLOSED where the gateway has ended the socket for good.
 */
export class ComfyError extends Error {
  readonly code: string;
  /** Seconds after which the same call may succeed. */
  readonly retryAfter: number | undefined;
  readonly details: ErrorDetails;

  constructor(message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = details.code ?? 'INTERNAL';
    // Of the code, since minifiers rename classes: BAD_USER_INPUT is BadUserInput.
    this.name = this.code.toLowerCase().replace(/(?:^|_)(.)/g, (_, letter) => letter.toUpperCase());
    this.retryAfter = typeof details.retryAfter === 'number' ? details.retryAfter : undefined;
    this.details = details;
  }
}

/** The input is wrong, and `issues` says where. */
export class BadUserInput extends ComfyError {
  get issues(): InputIssue[] {
    return (this.details.issues ?? []) as InputIssue[];
  }

  /** For a form: message by the field's path below the workflow, such as `width` or `images.0`. */
  get fields(): Record<string, string> {
    const above = ([argument, part]: InputIssue['path']) => (argument !== 'input' ? 0 : part === 'workflow' ? 3 : 1);
    const below = ({ path }: InputIssue) => path.slice(above(path)).join('.');
    return Object.fromEntries(this.issues.map((issue) => [below(issue), issue.message]));
  }
}
/** The idempotency key has made a job of another input. */
export class IdempotencyKeyReused extends ComfyError {
  get jobId(): string {
    return String(this.details.jobId);
  }
}
/** There is none, or it is somebody else's, or it has been removed. */
export class NotFound extends ComfyError {
  static job(id: string): NotFound {
    return new NotFound(`job ${id} not found`, { code: 'NOT_FOUND' });
  }
}
/** The job is in no state for it. */
export class Conflict extends ComfyError {}
/** Too large, or too many at once. */
export class LimitExceeded extends ComfyError {}
/** Too many calls; the same works after `retryAfter` seconds. */
export class RateLimited extends ComfyError {}
/** What the plan allows is used up until `retryAfter` seconds from now. */
export class QuotaExceeded extends ComfyError {}
/** A part of the installation is away. */
export class Unavailable extends ComfyError {}
/** The key or token lacks a scope. */
export class Forbidden extends ComfyError {}
/** The key or token is absent, wrong, or has ended. */
export class Unauthenticated extends ComfyError {}

/** Has the job that FAILED; `code` is that of its error. */
export class JobFailed extends ComfyError {
  readonly job: Job;

  constructor(job: Job) {
    super(job.error?.message ?? 'The job has failed.', { ...job.error });
    this.name = 'JobFailed';
    this.job = job;
  }
}
/** Has the job that was canceled, by whomever. */
export class Canceled extends ComfyError {
  readonly job: Job;

  constructor(job: Job) {
    super('The job was canceled.', { code: 'CANCELED' });
    this.job = job;
  }
}

const CLASSES: Record<string, typeof ComfyError> = {
  BAD_USER_INPUT: BadUserInput,
  IDEMPOTENCY_KEY_REUSED: IdempotencyKeyReused,
  NOT_FOUND: NotFound,
  CONFLICT: Conflict,
  LIMIT_EXCEEDED: LimitExceeded,
  RATE_LIMITED: RateLimited,
  QUOTA_EXCEEDED: QuotaExceeded,
  UNAVAILABLE: Unavailable,
  FORBIDDEN: Forbidden,
  UNAUTHENTICATED: Unauthenticated,
};

/** What a gateway says of a fault, as GraphQL has it. */
export interface AnsweredError {
  message: string;
  extensions?: ErrorDetails;
}

/** The error of a gateway's answer, in the class of its code. */
export function errorOf({ message, extensions }: AnsweredError = { message: 'no answer' }): ComfyError {
  return new (CLASSES[extensions?.code ?? ''] ?? ComfyError)(message, extensions);
}

/** What a socket was ended with for good, by its code: 4403 for credentials, 4429 for too many wrong ones. */
export function errorOfSocket(error: unknown): unknown {
  const { code, reason } = error as CloseEvent;
  if (typeof code !== 'number') return error;
  const codes: Record<number, string> = { 4403: 'UNAUTHENTICATED', 4429: 'RATE_LIMITED' };
  return errorOf({
    message: `the connection was ended: ${code} ${reason}`,
    extensions: { code: codes[code] ?? 'CLOSED' },
  });
}
