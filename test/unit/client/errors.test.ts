import { expect, test } from 'vitest';
import * as client from '../../../client/src/comfy.ts';
import { errorOf, errorOfSocket } from '../../../client/src/errors.ts';

test.each([
  ['BAD_USER_INPUT', client.BadUserInput],
  ['IDEMPOTENCY_KEY_REUSED', client.IdempotencyKeyReused],
  ['NOT_FOUND', client.NotFound],
  ['CONFLICT', client.Conflict],
  ['LIMIT_EXCEEDED', client.LimitExceeded],
  ['RATE_LIMITED', client.RateLimited],
  ['QUOTA_EXCEEDED', client.QuotaExceeded],
  ['UNAVAILABLE', client.Unavailable],
  ['FORBIDDEN', client.Forbidden],
  ['UNAUTHENTICATED', client.Unauthenticated],
])('%s has a class of its own, whose name outlives minifiers', (code, Class) => {
  const error = errorOf({ message: 'why', extensions: { code, retryAfter: 7 } });
  expect(error).toBeInstanceOf(Class);
  expect(error).toMatchObject({ name: Class.name, code, message: 'why', retryAfter: 7 });
});

test('a code that the client does not know is a ComfyError with that code', () => {
  const error = errorOf({ message: 'why', extensions: { code: 'SOMETHING_NEW' } });
  expect(error.constructor).toBe(client.ComfyError);
  expect(error).toMatchObject({ name: 'SomethingNew', code: 'SOMETHING_NEW', retryAfter: undefined });
});

test('bad input tells a form its fields, by their paths below the workflow', () => {
  const issue = (path: (string | number)[], message: string) => ({ path, message, code: 'too_small' });
  const error = new client.BadUserInput('', {
    issues: [
      issue(['input', 'workflow', 'textToImage', 'width'], 'too narrow'),
      issue(['input', 'workflow', 'custom', 'files', 0, 'file'], 'no file'),
      issue(['input', 'tags', 1], 'too long'),
      issue(['id'], 'no id'),
    ],
  });
  expect(error.fields).toEqual({ width: 'too narrow', 'files.0.file': 'no file', 'tags.1': 'too long', id: 'no id' });
});

test.each([
  [4403, client.Unauthenticated],
  [4429, client.RateLimited],
  [4400, client.ComfyError],
])('a socket that was closed with %i', (code, Class) => {
  expect(errorOfSocket({ code, reason: 'why' })).toBeInstanceOf(Class);
});

test('what is no end of a socket stays what it is', () => {
  const error = new TypeError('a bug');
  expect(errorOfSocket(error)).toBe(error);
});
