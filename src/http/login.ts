import type { Authenticator, Credentials } from '../callers/authenticator.ts';
import type { Identity } from '../callers/identity.ts';
import { GatewayError, unauthenticated } from '../core/errors.ts';
import { notAuthenticated } from './credentials.ts';
import { createFailedLogins, type FailedLogins } from './failed-logins.ts';
import { HttpFault } from './reply.ts';

/**
 * Finds out who calls; `client`: the address that it is counted against. Throws HttpFault: 401, the same for absent and
 * for whatever wrong credentials; 429 where too many wrong ones have come from there; 503 where it cannot be found out.
 */
export type Login = (credentials: Credentials | null, client: string) => Identity | Promise<Identity>;

export function createLogin(authenticator: Authenticator, failedLogins: FailedLogins = createFailedLogins()): Login {
  function explain(error: unknown, credentials: Credentials, client: string): unknown {
    if (!(error instanceof GatewayError)) return error;
    const { message, details } = error;
    if ('retryAfter' in details) {
      const status = details.code === 'UNAVAILABLE' ? 503 : 429;
      return new HttpFault(status, details.code, message, { 'Retry-After': String(Math.ceil(details.retryAfter)) });
    }
    if (details.code !== 'UNAUTHENTICATED') return error;
    const seconds = failedLogins.add(client, secretOf(credentials));
    return seconds > 0 ? tooMany(seconds) : refused();
  }

  return (credentials, client) => {
    if (credentials === null) throw refused();
    const seconds = failedLogins.wait(client, secretOf(credentials));
    if (seconds > 0) throw tooMany(seconds);
    const failed = (error: unknown): never => {
      throw explain(error, credentials, client);
    };
    try {
      const identity = authenticator.authenticate(credentials);
      return identity instanceof Promise ? identity.catch(failed) : identity;
    } catch (error) {
      return failed(error);
    }
  };
}

/** Whom a request is counted against: a caller, from whatever address; nobody in particular by his address. */
export function countedAs({ caller }: Identity, client: string): string {
  return caller === 'anonymous' ? client : `caller:${caller}`;
}

const refused = () => notAuthenticated(unauthenticated().message);

function tooMany(seconds: number): HttpFault {
  const message = 'Too many wrong credentials came from your address: wait, then send others.';
  return new HttpFault(429, 'RATE_LIMITED', message, { 'Retry-After': String(seconds) });
}

const secretOf = (credentials: Credentials) =>
  credentials.kind === 'signed' ? credentials.signature : credentials.token;
