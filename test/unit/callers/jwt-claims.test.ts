import { expect, test } from 'vitest';
import { type ClaimsMapping, identityOf } from '../../../src/callers/jwt-claims.ts';
import { defaultScopes } from '../../../src/callers/scopes.ts';

const mapping: ClaimsMapping = {
  ...{ issuer: 'https://login.example', callerClaim: 'sub', planClaim: undefined, scopesClaim: undefined },
  ...{ defaultPlan: 'free', defaultScopes },
};

test.each([
  ['its name', { name: 'Ada Lovelace', email: 'ada@example.com' }, 'Ada Lovelace'],
  ['its address, where it has no name', { email: 'ada@example.com' }, 'ada@example.com'],
  ['its address, where its name is longer than a name', { name: 'x'.repeat(101), email: 'a@b.c' }, 'a@b.c'],
  ['the claim of the caller, where it has neither', { name: '', email: 7 }, 'user-1'],
])('for people a token is called by %s', (_what, claims, name) => {
  expect(identityOf({ sub: 'user-1', ...claims }, 1, mapping)).toMatchObject({ name, plan: 'free' });
});
