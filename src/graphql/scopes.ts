import { type Identity, mayRun, type Scope } from '../callers/identity.ts';
import { forbidden, GatewayError } from '../core/errors.ts';
import type { GraphContext } from './context.ts';

/**
 * For `authScopes` of a root field; fields behind it ask for nothing: they are what it gives. A function that throws
 * what the caller is told: the plugin's maps of scopes would take ten times as long, for each operation.
 */
export const needs =
  (...scopes: readonly Scope[]) =>
  (_root: unknown, _args: unknown, { identity }: GraphContext): true =>
    needsScopes(identity, ...scopes);

/** The same, behind another protocol. */
export function needsScopes(identity: Identity, ...scopes: readonly Scope[]): true {
  for (const scope of scopes) if (!identity.scopes.has(scope)) throw refusal(identity, scope);
  return true;
}

/** The same for what is of the caller itself, and not for the holders of its watch tokens. */
export const needsCaller =
  (...scopes: readonly Scope[]) =>
  (root: unknown, args: unknown, context: GraphContext): true => {
    if (context.identity.watch) throw onlyToWatch();
    return needs(...scopes)(root, args, context);
  };

/** The same for running a workflow of the catalogue, or `custom`. */
export function needsWorkflow(identity: Identity, workflow: string): true {
  if (!mayRun(identity, workflow)) throw refusal(identity, `workflow:${workflow}`);
  return true;
}

/** FORBIDDEN, with what is missing. */
function refusal(identity: Identity, scope: Scope): GatewayError {
  return identity.watch ? onlyToWatch() : forbidden(scope);
}

function onlyToWatch(): GatewayError {
  const message = 'a watch token may only watch, read and fetch the jobs that it was made for: use a key';
  return new GatewayError(message, { code: 'FORBIDDEN' });
}

/** Whether the caller may know how the installation is built and why a part of it fails. */
export const isAdmin = ({ identity }: GraphContext): boolean => identity.scopes.has('admin');
