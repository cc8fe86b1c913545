import type { Scope } from './identity.ts';

/** A workflow's name is one of GraphQL. */
const SCOPE = /^(?:job:read|job:write|admin|workflow:(?:\*|[A-Za-z_][A-Za-z0-9_]{0,63}))$/;

/** Everything but graphs of one's own, and the installation. */
export const defaultScopes: readonly Scope[] = ['job:read', 'job:write', 'workflow:*'];

export const EXPECTED_SCOPE = 'job:read, job:write, workflow:*, workflow:custom, workflow:<name> or admin';

export function isScope(text: string): text is Scope {
  return SCOPE.test(text);
}
