/** Of the connection: closed, silent, or never made. */
const UNREACHABLE =
  /Connection is closed|Command timed out|isn't writeable|max retries per request|Socket (?:closed|timeout)/;
const UNREACHABLE_HOST = /All sentinels are unreachable|ECONN|ETIMEDOUT|EPIPE|ENOENT|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH/;
/** Of a server that answers and cannot serve: it starts, is full, or another is the master. */
const UNABLE = /LOADING|OOM command not allowed|MISCONF|READONLY|NOREPLICAS|UNBLOCKED|MASTERDOWN/;
const UNABLE_NODE = /CLUSTERDOWN|TRYAGAIN|\b(?:MOVED|ASK) \d/;

/** Whether Redis refused a write since its memory is full. */
export function isRedisFull(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('OOM ');
}

/** What a server that cannot serve says, and what that means. */
const REFUSALS: [RegExp, string][] = [
  [/OOM command not allowed/, 'Redis has no memory left'],
  [/MISCONF/, 'Redis cannot write its files'],
  [/NOREPLICAS/, 'Redis has too few replicas that follow it, and takes no writes'],
  [/LOADING/, 'Redis is reading its files'],
  [/READONLY|MASTERDOWN|UNBLOCKED/, 'Redis is changing its master'],
  [UNABLE_NODE, 'the Redis Cluster is down, or its slot is being moved'],
];

/** Why Redis, which answers, did not do what it was asked; null for any other error. It holds no address. */
export function whyRedisRefuses(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('previousErrors' in error && Array.isArray(error.previousErrors)) {
    return error.previousErrors.map(whyRedisRefuses).find((why) => why !== null) ?? null;
  }
  return REFUSALS.find(([pattern]) => pattern.test(`${error.name} ${error.message}`))?.[1] ?? null;
}

/** What a caller is told where `isRedisDown`. */
export function whyRedisFails(error: unknown): string {
  return whyRedisRefuses(error) ?? 'Redis cannot be reached';
}

/** Whether an error came from the connection, or from a server that cannot serve now, rather than from a command. */
export function isRedisDown(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // A transaction that was refused says why beside its own error.
  if ('previousErrors' in error && Array.isArray(error.previousErrors)) return error.previousErrors.some(isRedisDown);
  const text = `${error.name} ${error.message}`;
  return [UNREACHABLE, UNREACHABLE_HOST, UNABLE, UNABLE_NODE].some((pattern) => pattern.test(text));
}
