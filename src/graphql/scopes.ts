import { type AuthFailure, AuthScopeFailureType, type ForbiddenResult } from '@pothos/plugin-scope-auth';
import { mayRun } from '../callers/identity.ts';
import { forbidden, GatewayError } from '../core/errors.ts';
import type { GraphContext } from './context.ts';

/** What `authScopes` of a root field can ask for. Fields behind it ask for nothing: they are what it gives. */
export interface AuthScopes {
  'job:read': boolean;
  'job:write': boolean;
  /** The caller itself: no watch token. */
  caller: boolean;
  /** To run this workflow of the catalogue, or `custom`. */
  workflow: string;
}

export function authScopes({ identity }: GraphContext) {
  const { scopes, watch } = identity;
  return {
    'job:read': scopes.has('job:read'),
    'job:write': scopes.has('job:write'),
    caller: watch === null,
    workflow: (name: string) => mayRun(identity, name),
  };
}

/** FORBIDDEN, with what is missing. */
export function unauthorizedError(_root: object, context: GraphContext, _info: object, { failure }: ForbiddenResult) {
  return context.identity.watch ? onlyToWatch() : forbidden(missingIn(failure));
}

function onlyToWatch(): GatewayError {
  const message = 'a watch token may only watch, read and fetch the jobs that it was made for: use a key';
  return new GatewayError(message, { code: 'FORBIDDEN' });
}

function missingIn(failure: AuthFailure): string {
  switch (failure.kind) {
    case AuthScopeFailureType.AuthScope:
      return failure.scope === 'workflow' ? `workflow:${failure.parameter}` : failure.scope;
    case AuthScopeFailureType.AllAuthScopes:
    case AuthScopeFailureType.AnyAuthScopes:
      return failure.failures.map(missingIn).join(', ');
    default:
      throw new Error(`no field here asks for ${failure.kind}`);
  }
}
