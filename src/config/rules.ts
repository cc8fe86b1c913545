import type { Settings } from './settings.ts';
import { isLoopback, isPrivate } from './values.ts';

/** A condition on several settings together. It is not checked when one of them has a bad value. */
interface Rule {
  /** The settings that the rule reads. The message is about the first. */
  readonly names: readonly [keyof Settings, ...(keyof Settings)[]];
  readonly broken: (settings: Settings) => boolean;
  readonly expected: string;
}

const RULES: readonly Rule[] = [
  {
    names: ['HOST', 'AUTH'],
    broken: ({ HOST, AUTH }) => !isLoopback(HOST) && AUTH === undefined,
    expected:
      'a loopback address, since nothing is said of who may call: say AUTH=keys, jwt or keys,jwt, or AUTH=none to ' +
      'open it to everyone who can reach it',
  },
  {
    // Whoever brings nothing would be let in, and could do what no key allows.
    names: ['AUTH'],
    broken: ({ AUTH = [] }) => AUTH.includes('none') && AUTH.length > 1,
    expected: 'none alone, or keys, jwt or keys,jwt',
  },
  {
    names: ['JWT_ISSUER', 'AUTH'],
    broken: ({ JWT_ISSUER, AUTH }) => AUTH?.includes('jwt') === true && JWT_ISSUER === undefined,
    expected: 'a value, since AUTH has jwt',
  },
  {
    // Without it tokens that were given out for another application of the issuer would be taken.
    names: ['JWT_AUDIENCE', 'JWT_ISSUER'],
    broken: ({ JWT_ISSUER, JWT_AUDIENCE }) => JWT_ISSUER !== undefined && JWT_AUDIENCE === undefined,
    expected: 'a value, since JWT_ISSUER is set',
  },
  {
    names: ['JWT_JWKS_URL', 'JWT_ISSUER'],
    broken: ({ JWT_ISSUER = '', JWT_JWKS_URL }) =>
      JWT_ISSUER !== '' && JWT_JWKS_URL === undefined && !(URL.canParse(JWT_ISSUER) && isPrivate(new URL(JWT_ISSUER))),
    expected: 'a value, since JWT_ISSUER is no https address in which the keys could be',
  },
  {
    names: ['TLS_CERT_FILE', 'TLS_KEY_FILE'],
    broken: ({ TLS_CERT_FILE, TLS_KEY_FILE }) => TLS_CERT_FILE === undefined && TLS_KEY_FILE !== undefined,
    expected: 'a value, since TLS_KEY_FILE is set',
  },
  {
    names: ['TLS_KEY_FILE', 'TLS_CERT_FILE'],
    broken: ({ TLS_CERT_FILE, TLS_KEY_FILE }) => TLS_CERT_FILE !== undefined && TLS_KEY_FILE === undefined,
    expected: 'a value, since TLS_CERT_FILE is set',
  },
  {
    names: ['PERSISTED_ONLY', 'PERSISTED_DOCUMENTS'],
    broken: (s) => s.PERSISTED_ONLY && s.PERSISTED_DOCUMENTS === undefined,
    expected: 'false, or PERSISTED_DOCUMENTS to be set: only the studio would work',
  },
  {
    names: ['S3_ACCESS_KEY', 'S3_ENDPOINT'],
    broken: ({ S3_ENDPOINT, S3_ACCESS_KEY }) => S3_ENDPOINT !== undefined && S3_ACCESS_KEY === undefined,
    expected: 'a value, since S3_ENDPOINT is set',
  },
  {
    names: ['S3_SECRET_KEY', 'S3_ENDPOINT'],
    broken: ({ S3_ENDPOINT, S3_SECRET_KEY }) => S3_ENDPOINT !== undefined && S3_SECRET_KEY === undefined,
    expected: 'a value, since S3_ENDPOINT is set',
  },
  {
    // Without this rule a misspelt S3_ENDPOINT would silently store artifacts in the folder.
    names: ['S3_ENDPOINT', 'S3_ACCESS_KEY', 'S3_SECRET_KEY', 'S3_PUBLIC_ENDPOINT'],
    broken: (s) => s.S3_ENDPOINT === undefined && Boolean(s.S3_ACCESS_KEY || s.S3_SECRET_KEY || s.S3_PUBLIC_ENDPOINT),
    expected: 'a value, since other S3 settings are given',
  },
  {
    names: ['JOB_DEADLINE', 'JOB_MAX_DEADLINE'],
    broken: (s) => s.JOB_DEADLINE > s.JOB_MAX_DEADLINE,
    expected: 'at most JOB_MAX_DEADLINE',
  },
  {
    // An idempotency key must not outlive the job that it returns.
    names: ['JOB_RETENTION', 'IDEMPOTENCY_TTL'],
    broken: (s) => s.JOB_RETENTION < s.IDEMPOTENCY_TTL,
    expected: 'at least IDEMPOTENCY_TTL',
  },
];

/** `[name, expected]` of each broken rule. `bad` names the settings whose rules are not checked. */
export function brokenRules(settings: Settings, bad: ReadonlySet<string>): (readonly [keyof Settings, string])[] {
  return RULES.filter(({ names, broken }) => !names.some((name) => bad.has(name)) && broken(settings)).map(
    ({ names, expected }) => [names[0], `expected ${expected}`] as const,
  );
}
