import { describe, expect, test } from 'vitest';
import { newApiKey } from '../../../src/callers/api-key.ts';
import { createLog } from '../../../src/observability/log.ts';
import { readableLine } from '../../../src/observability/readable-line.ts';
import { createScrub } from '../../../src/observability/scrub.ts';

const SECRET = 'k3y-of-the-"bucket"/+x';

function logged(write: (log: ReturnType<typeof createLog>) => void, readable = false): string {
  let text = '';
  const destination = {
    write(line: string) {
      text += line;
    },
  };
  const format = readable ? readableLine : undefined;
  write(createLog({ level: 'trace', format, scrub: createScrub([SECRET, 'short']), destination }));
  return text;
}

const spoiled = Object.assign(new Error(`PUT https://s3.test/b/k?X-Amz-Signature=deadbeef&X-Amz-Date=1 failed`), {
  code: 'ECONNRESET',
  command: { name: 'evalsha', args: ['a lighthouse at dusk'] },
  config: { headers: { Authorization: 'Bearer inner-token' } },
  cause: new Error('connect redis://user:hunter2hunter2@redis.test:6379: refused'),
});

describe.each([
  ['JSON', false],
  ['lines for a person', true],
])('no secret in %s', (_name, readable) => {
  test.each<[string, string, object]>([
    ['an own secret, anywhere', SECRET, { err: new Error(`sent ${SECRET} away`) }],
    ['an own secret in an address', encodeURIComponent(SECRET), { url: `http://x.test/${encodeURIComponent(SECRET)}` }],
    ['a signature in the message of an error', 'deadbeef', { err: spoiled }],
    ['what a driver hangs on its errors', 'a lighthouse', { err: spoiled }],
    ['a header that a driver hangs on its errors', 'inner-token', { err: spoiled }],
    ['a password in the cause of an error', 'hunter2', { err: spoiled }],
    ['a password with an @ in it', 'ss@w', { url: 'rediss://:pa:ss@word@redis.test:6379/0' }],
    ['a header at any depth', 'deep-token', { a: { b: { c: { Authorization: 'Bearer deep-token' } } } }],
    ['cookies', 'session=1', { headers: { 'set-cookie': ['session=1; Path=/'], cookie: 'session=1' } }],
    ['keys of callers', 'my-key', { idempotencyKey: 'my-key', 'x-api-key': 'my-key', apiKey: 'my-key' }],
    ['the query of an address of ours', 'abc123', { path: '/artifacts/jobs/1/0.png?expires=1&signature=abc123' }],
    ['a header in a text', 'dXNlcjpwYXNz', { reason: 'refused: Basic dXNlcjpwYXNz' }],
    ['a header in a text', 'ey.J9-x', { reason: 'refused: bearer ey.J9-x, sent twice' }],
    ['a parameter', 'tok-tok', { reason: 'GET /x?access_token=tok-tok&a=1' }],
    [
      'a field of JSON in a text',
      'hun"t\\er',
      { reason: `got ${JSON.stringify({ a: 1, password: 'x hun"t\\er y' })}` },
    ],
    [
      'a field of JSON in a text',
      'er2-y',
      { reason: `got ${JSON.stringify({ password: 'x "hunt\\er2-y' }, null, 2)}` },
    ],
    ['an assignment in a text', 'pass1word', { reason: 'AUTH failed: user=a password=pass1word db=0' }],
    ['a setting in a text', 'tok1', { reason: 'sent access-token: tok1' }],
  ])('%s', (_what, secret, fields) => {
    const text = logged((log) => log.warn(fields, 'it happened'), readable);
    expect(text).toContain('it happened');
    expect(text).toContain('[masked]');
    expect(text).not.toContain(secret);
  });
});

test('what is no secret stays: ids, backends, addresses, and words that look like nothing', () => {
  const fields = { jobId: '0199', requestId: 'r-1', backend: 'gpu', url: 'http://gpu.test:8188/prompt', tokens: 5 };
  const line = JSON.parse(logged((log) => log.info({ ...fields, note: 'short' }, 'fine')));
  expect(line).toMatchObject({ ...fields, note: 'short', level: 'info', msg: 'fine' });
  expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
});

test.each([
  'Basic checks have failed for gpu',
  'the bearer of this has left',
  '{"tokens":5}',
  'Unexpected token } in JSON at position 5',
  'the password is wrong',
])('prose stays: %s', (reason) => {
  expect(JSON.parse(logged((log) => log.info({ reason }, 'fine'))).reason).toBe(reason);
});

test('a secret that turns up later is masked from then on', () => {
  let text = '';
  const scrub = createScrub();
  const log = createLog({
    level: 'info',
    scrub,
    destination: {
      write(line) {
        text += line;
      },
    },
  });
  scrub.hide('made-at-the-start');
  log.info({ note: 'made-at-the-start' }, 'told');
  expect(text).not.toContain('made-at');
});

test('an error is its type, message, code, stack and causes, cut where it is long; a bare value is one, too', () => {
  const err = Object.assign(new AggregateError([new Error('inner')], 'x'.repeat(5_000)), { code: 'E1' });
  const told = JSON.parse(logged((log) => log.error({ err }, 'broken'))).err;
  expect(told).toMatchObject({ type: 'AggregateError', code: 'E1', errors: [{ message: 'inner' }] });
  expect(told.message).toHaveLength(2_006);
  expect(JSON.parse(logged((log) => log.error({ err: 'a text' }, 'broken'))).err).toEqual({
    type: 'string',
    message: 'a text',
  });
  const ring = new Error('ring');
  ring.cause = ring;
  expect(logged((log) => log.error({ err: ring }, 'broken')).length).toBeLessThan(60_000);
});

const FORGED = 'x\r\n{"level":"fatal","msg":"forged"}\u001b[2J\u001b]0;title\u0007\u009b31m\u202egnp';

test('A64: no string begins a line of its own, or reaches the terminal as more than text', () => {
  const json = logged((log) => log.warn({ name: FORGED, err: new Error(FORGED) }, 'told'));
  expect(json.split('\n')).toHaveLength(2);
  expect(JSON.parse(json)).toMatchObject({ level: 'warn', msg: 'told' });

  const lines = logged((log) => log.warn({ name: FORGED, err: new Error(FORGED) }, 'told'), true);
  expect(lines).not.toMatch(/[^\P{Control}\n]|\u202e/u);
  for (const line of lines.split('\n').slice(1)) expect(line).toMatch(/^(?: {4}|$)/);
});

test('API keys keep nothing but their id, watch tokens and JWTs nothing', () => {
  const scrub = createScrub();
  const { id, text } = newApiKey();
  expect(scrub(`a ${text}, b`)).toBe(`a cg_${id}_[masked], b`);
  expect(scrub(JSON.stringify({ line: `?key=${text}` }))).not.toContain(text.slice(16, 40));
  expect(scrub(`cut off: ${text.slice(0, 40)}`)).toBe(`cut off: cg_${id}_[masked]`);
  expect(scrub('x cgw_eyJqb2JzIjpbXX0.c2lnbmF0dXJl y')).toBe('x [masked] y');
  expect(scrub('x eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl y')).toBe('x [masked] y');
});
