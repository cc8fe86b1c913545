import { describe, expect, test } from 'vitest';
import type { Credentials } from '../../../src/callers/authenticator.ts';
import { anonymous, type Identity } from '../../../src/callers/identity.ts';
import { GatewayError, unauthenticated, unavailable } from '../../../src/core/errors.ts';
import { createFailedLogins } from '../../../src/http/failed-logins.ts';
import { countedAs, createLogin } from '../../../src/http/login.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

const bearer = (token: string): Credentials => ({ kind: 'bearer', token });

function start() {
  let nowMs = 1_000_000;
  const callers = testCallers({ right: testIdentity('me'), other: testIdentity('other') });
  const failedLogins = createFailedLogins({ mostInWindow: 3, windowMs: 60_000, now: () => nowMs });
  const login = createLogin(callers.authenticator, failedLogins);
  const attempt = async (token: string | null, client = 'a') => {
    try {
      const { caller } = await login(token === null ? null : bearer(token), client);
      return caller;
    } catch (error) {
      return error;
    }
  };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { callers, login, attempt, pass };
}

test('an answer that is known is there at once', () => {
  const { login } = start();
  expect(login(bearer('right'), 'a')).not.toBeInstanceOf(Promise);
});

test('A41: absent, garbage and revoked get the same answer', async () => {
  const { attempt, callers } = start();
  callers.revoke('other');
  const answers = [await attempt(null), await attempt('garbage'), await attempt('other')];
  callers.hold(Promise.resolve());
  answers.push(await attempt('later'));
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', headers: { 'WWW-Authenticate': 'Bearer' } });
    expect(answer).toMatchObject({ message: unauthenticated().message });
  }
});

test('what cannot be found out is 503, and no failed login', async () => {
  const { attempt, callers } = start();
  callers.fail(unavailable('redis is away', 0.5));
  for (let i = 0; i < 10; i += 1) {
    expect(await attempt('wrong')).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } });
  }
  callers.fail(
    new GatewayError('too many signed requests', {
      ...{ code: 'RATE_LIMITED', retryAfter: 9.5, name: 'signedRequests', limit: 1, remaining: 0 },
    }),
  );
  expect(await attempt('wrong')).toMatchObject({ status: 429, headers: { 'Retry-After': '10' } });
  callers.fail(new Error('a bug'));
  expect(await attempt('wrong')).toMatchObject({ message: 'a bug' });
  callers.fail(null);
  expect(await attempt('wrong')).toMatchObject({ status: 401 });
});

describe('A45: guessing', () => {
  test('gets 429 with the time to wait, and is looked at again afterwards', async () => {
    const { attempt, pass } = start();
    for (const token of ['1', '2', '3']) expect(await attempt(token)).toMatchObject({ status: 401 });
    pass(10_500);
    expect(await attempt('4')).toMatchObject({ status: 429, code: 'RATE_LIMITED', headers: { 'Retry-After': '50' } });
    pass(49_501);
    expect(await attempt('5')).toMatchObject({ status: 401 });
  });

  test('does not lock out who has a right one behind the same address, nor other addresses', async () => {
    const { attempt } = start();
    for (let i = 0; i < 20; i += 1) await attempt(`guess ${i}`);
    expect(await attempt('right')).toBe('me');
    expect(await attempt('other')).toBe('other');
    expect(await attempt('wrong', 'b')).toMatchObject({ status: 401 });
  });

  test('with the same wrong one again and again is not looked up', async () => {
    const { attempt, callers } = start();
    for (let i = 0; i < 20; i += 1) await attempt('wrong');
    const { length } = callers.asked;
    for (let i = 0; i < 20; i += 1) expect(await attempt('wrong')).toMatchObject({ status: 429 });
    expect(callers.asked).toHaveLength(length);
    expect(length).toBeLessThan(5);
  });

  test('whoever sends nothing at all has not guessed', async () => {
    const { attempt } = start();
    for (let i = 0; i < 20; i += 1) expect(await attempt(null)).toMatchObject({ status: 401 });
    expect(await attempt('wrong')).toMatchObject({ status: 401 });
  });

  test('from any number of addresses fills no memory', () => {
    const failedLogins = createFailedLogins({ mostInWindow: 1 });
    for (let i = 0; i < 20_000; i += 1) failedLogins.add(`client ${i}`, `secret ${i}`);
    failedLogins.add('client 19999', 'another');
    // The first have been forgotten, the last have not.
    expect(failedLogins.add('client 0', 'another')).toBe(0);
    expect(failedLogins.add('client 19999', 'another')).toBeGreaterThan(0);
  });
});

test('a caller is counted as itself from any address, and nobody in particular by the address', () => {
  const me: Identity = testIdentity('me');
  expect([countedAs(me, '1.2.3.4'), countedAs(anonymous, '1.2.3.4')]).toEqual(['caller:me', '1.2.3.4']);
});
