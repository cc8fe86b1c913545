import { auditedAs, type Identity, isToldApart, type Watched } from '../callers/identity.ts';
import { MAX_WATCHED_JOBS, WATCH_SECONDS, type WatchTokens } from '../callers/watch-token.ts';
import { badInput, type InputIssue, notFound } from '../core/errors.ts';
import { type Audit, audited, noAudit } from '../observability/audit.ts';
import { checkTag } from './generate-arguments.ts';
import type { Jobs } from './jobs.ts';

/** Which jobs, by their ids or by a tag of them, and for how many seconds. */
export interface WatchTokenRequest {
  jobs: readonly string[] | null;
  tag: string | null;
  seconds: number;
  /** For the audit log. */
  origin?: { requestId: string; address: string | undefined };
}

/** Makes tokens by which a browser watches jobs of a caller. */
export interface WatchJobs {
  /** For one job of the identity's, for 15 minutes; null where nobody is told apart, or it may not read jobs itself. */
  tokenFor(identity: Identity, jobId: string): string | null;
  /**
   * Null where nobody is told apart: there a browser needs no token. Rejects with BAD_USER_INPUT, and with NOT_FOUND
   * where one of the jobs is not to be seen.
   */
  createToken(identity: Identity, request: WatchTokenRequest): Promise<{ token: string; expiresAt: number } | null>;
}

export function createWatchJobs(
  tokens: Pick<WatchTokens, 'make'>,
  jobs: Pick<Jobs, 'ownsAll'>,
  audit: Audit = noAudit,
): WatchJobs {
  const make = (identity: Identity, watched: Watched, seconds: number) =>
    isToldApart(identity) ? tokens.make(identity, watched, seconds) : null;

  return {
    tokenFor(identity, jobId) {
      // It gives nobody more than its maker has.
      if (!identity.scopes.has('job:read')) return null;
      return make(identity, { jobs: new Set([jobId]) }, WATCH_SECONDS.default)?.token ?? null;
    },

    createToken: (identity, request) =>
      audited(audit, { action: 'watch', ...auditedAs(identity), ...request.origin }, async () => {
        const issues = issuesIn(request);
        if (issues.length > 0) throw badInput(issues);
        const { jobs: ids, tag, seconds } = request;
        if (tag !== null) return make(identity, { tag }, seconds);
        const watched = new Set(ids);
        if (!(await jobs.ownsAll(identity, watched))) throw notFound('job');
        return make(identity, { jobs: watched }, seconds);
      }),
  };
}

function issuesIn({ jobs: ids, tag, seconds }: WatchTokenRequest): InputIssue[] {
  const issues: InputIssue[] = [];
  if ((ids === null) === (tag === null)) {
    issues.push({ path: ['jobs'], message: 'expected either jobs or tag', code: 'one_of' });
  }
  if (ids && (ids.length < 1 || ids.length > MAX_WATCHED_JOBS)) {
    const code = ids.length < 1 ? 'too_small' : 'too_big';
    issues.push({ path: ['jobs'], message: `expected 1 to ${MAX_WATCHED_JOBS} ids, got ${ids.length}`, code });
  }
  if (tag !== null) issues.push(...checkTag(tag, ['tag']));
  const { min, max } = WATCH_SECONDS;
  if (seconds < min || seconds > max) {
    const message = `expected ${min} to ${max} seconds`;
    issues.push({ path: ['seconds'], message, code: 'out_of_range', minimum: min, maximum: max });
  }
  return issues;
}
