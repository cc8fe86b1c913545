import { createHash } from 'node:crypto';
import { isObject, own } from '../core/objects.ts';
import type { Identity, Scope } from './identity.ts';
import { isPlanName } from './names.ts';
import { isScope } from './scopes.ts';

/** Which claims say what. Each is a name, or names with dots between that lead into objects. */
export interface ClaimsMapping {
  issuer: string;
  /** Of whose jobs these are; a text. */
  callerClaim: string;
  /** Undefined: all have the default. */
  planClaim: string | undefined;
  /** A list, or a text with spaces between; what are no scopes of ours is ignored. Undefined: all have the default. */
  scopesClaim: string | undefined;
  defaultPlan: string;
  /** Where the token has no such claim. */
  defaultScopes: readonly Scope[];
}

type Claims = { [name: string]: unknown };

const MAX_NAME_LENGTH = 100;
const MAX_SCOPES = 200;

/**
 * Who a verified token says it is; null where it names no caller. The caller's id is made of issuer and subject by
 * SHA-256, so that it has a form and no two are the same.
 */
export function identityOf(claims: Claims, expiresAt: number, mapping: ClaimsMapping): Identity | null {
  const subject = claimOf(claims, mapping.callerClaim);
  if (typeof subject !== 'string' || subject === '') return null;
  const digest = createHash('sha256').update(`${mapping.issuer}\0${subject}`).digest('base64url');
  const plan = mapping.planClaim === undefined ? undefined : claimOf(claims, mapping.planClaim);
  const scopes = mapping.scopesClaim === undefined ? undefined : claimOf(claims, mapping.scopesClaim);
  return {
    caller: `jwt-${digest.slice(0, 22)}`,
    name: nameOf(claims) ?? subject.slice(0, MAX_NAME_LENGTH),
    plan: isPlanName(plan) ? plan : mapping.defaultPlan,
    scopes: new Set(scopes === undefined ? mapping.defaultScopes : scopesIn(scopes)),
    keyId: null,
    expiresAt,
    watch: null,
  };
}

/** A name may have dots itself, as that of a claim that is an address. */
function claimOf(claims: Claims, name: string): unknown {
  const whole = own(claims, name);
  if (whole !== undefined) return whole;
  let value: unknown = claims;
  for (const part of name.split('.')) value = isObject(value) ? own(value, part) : undefined;
  return value;
}

function nameOf(claims: Claims): string | undefined {
  return [own(claims, 'name'), own(claims, 'email')].find(
    (name): name is string => typeof name === 'string' && name !== '' && name.length <= MAX_NAME_LENGTH,
  );
}

function scopesIn(claim: unknown): Scope[] {
  const given = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return given.slice(0, MAX_SCOPES).filter((scope): scope is Scope => typeof scope === 'string' && isScope(scope));
}
