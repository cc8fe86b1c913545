import { CommanderError } from 'commander';
import { expect, it, vi } from 'vitest';
import { newApiKey } from '../../../src/callers/api-key.ts';
import type { KeyOperator, ListedKey } from '../../../src/callers/keys.ts';
import { createKeysCommand } from '../../../src/cli/keys-command.ts';
import { GatewayError, notFound } from '../../../src/core/errors.ts';

const { id, text } = newApiKey();
const key: ListedKey = {
  ...{ id, state: 'active', caller: 'acme', name: 'render farm', plan: 'pro', scopes: ['job:read', 'job:write'] },
  ...{ createdAt: 0, expiresAt: null, revokedAt: null, lastUsedAt: 60_000, signed: false },
};

function operatorOf(given: Partial<KeyOperator> = {}): KeyOperator {
  return {
    create: async () => ({ text, signingSecret: null, key }),
    list: async () => [],
    show: async () => ({ is: 'key', key }),
    rotate: async () => ({ text, signingSecret: null, key }),
    revoke: async () => ({ ...key, state: 'revoked', revokedAt: 1_000 }),
    ...given,
  };
}

/** What `comfygate keys <args>` prints on each stream, and its exit code. */
async function keys(args: string[], given: Partial<KeyOperator> = {}) {
  const printed = { out: '', err: '' };
  const note = (more: string) => {
    printed.err += more;
  };
  const command = createKeysCommand({
    open: async () => ({ operator: operatorOf(given), [Symbol.asyncDispose]: async () => undefined }),
    write: (more) => {
      printed.out += more;
    },
    note,
    isUnreachable: (error) => error instanceof Error && error.message === 'away',
  });
  const writeOut = (more: string) => {
    printed.out += more;
  };
  for (const each of [command, ...command.commands]) each.exitOverride().configureOutput({ writeErr: note, writeOut });
  try {
    await command.parseAsync(args, { from: 'user' });
    return { code: 0, ...printed };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { code: error.exitCode, ...printed };
  }
}

it('create prints the key alone on standard output, and all else beside it', async () => {
  const create = vi.fn(operatorOf().create);
  const made = await keys(['create', '--caller', 'acme'], { create });
  expect(made).toMatchObject({ code: 0, out: `${text}\n`, err: expect.stringContaining('shown once') });
  expect(made.err).not.toContain(text);
  const scopes = ['job:read', 'job:write', 'workflow:*'];
  const lifeless = { caller: 'acme', name: 'acme', plan: 'free', scopes, lifeMs: null, signed: false };
  expect(create).toHaveBeenLastCalledWith(lifeless);

  const options = [
    '--plan',
    'pro',
    '--name',
    'a b',
    '--scope',
    'job:read',
    '--scope',
    'workflow:x',
    '--expires',
    '90d',
  ];
  await keys(['create', '--caller', 'a@b.example', ...options, '--signed'], { create });
  expect(create).toHaveBeenLastCalledWith({
    ...{ caller: 'a@b.example', name: 'a b', plan: 'pro', scopes: ['job:read', 'workflow:x'] },
    ...{ lifeMs: 90 * 86_400_000, signed: true },
  });
});

it('prints JSON with each', async () => {
  const made = await keys(['create', '--caller', 'acme', '--signed', '--json'], {
    create: async () => ({ text, signingSecret: 'secret', key: { ...key, signed: true } }),
  });
  expect(made.err).toBe('');
  const expected = { id, caller: 'acme', state: 'active', createdAt: '1970-01-01T00:00:00.000Z', expiresAt: null };
  expect(JSON.parse(made.out)).toMatchObject({ key: text, signingSecret: 'secret', ...expected });
  expect(JSON.parse((await keys(['show', id, '--json'])).out)).toMatchObject(expected);
  expect(JSON.parse((await keys(['rotate', id, '--json'])).out)).toMatchObject({ key: text, ...expected });
  expect(JSON.parse((await keys(['revoke', id, '--json'])).out)).toMatchObject({ id, state: 'revoked' });
  const listed = await keys(['list', '--json'], { list: async () => [key, { ...key, id: 'other' }] });
  expect(
    listed.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id),
  ).toEqual([id, 'other']);
});

it('lists those that live, of one caller where that is said, and all when asked to', async () => {
  const others: ListedKey[] = [
    { ...key, id: 'rotated', state: 'ending', revokedAt: 1_000 },
    { ...key, id: 'revoked', state: 'revoked', revokedAt: 1_000 },
    { ...key, id: 'expired', state: 'expired', caller: 'shop', expiresAt: 2_000 },
  ];
  const list = async () => [key, ...others];
  const idsOf = async (args: string[]) =>
    (await keys(['list', ...args], { list })).out
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(' ')[0]);
  expect(await idsOf([])).toEqual([id, 'rotated']);
  expect(await idsOf(['--all'])).toEqual([id, 'rotated', 'revoked', 'expired']);
  expect(await idsOf(['--all', '--caller', 'shop'])).toEqual(['expired']);
  expect((await keys(['list'])).out).toContain('comfygate keys create');
  const { out } = await keys(['list'], { list });
  expect(out).toMatch(/^ID +STATE +CALLER +PLAN +EXPIRES +LAST USED +NAME +SCOPES$/m);
  expect(out).toMatch(/active +acme +pro +never +1970-01-01T00:01:00.000Z +render farm +job:read job:write$/m);
});

it.each([
  [{ is: 'none' as const }, /^error: expected the id of a key/],
  [{ is: 'typo' as const }, /checksum is wrong; copy it again/],
  [{ is: 'unknown' as const, id }, /there is no key .*keys list --all/],
  [{ is: 'other' as const, id }, /never given out here/],
])('show says what is wrong with a key: %o', async (shown, message) => {
  expect(await keys(['show', text], { show: async () => shown })).toMatchObject({
    ...{ code: 1, out: '', err: expect.stringMatching(message) },
  });
});

it.each([
  [{ state: 'revoked' as const, revokedAt: 1_000 }, /revoked since 1970-.*keys create/],
  [{ state: 'expired' as const, expiresAt: 1_000 }, /expired since 1970-.*keys create/],
  [{ state: 'ending' as const, revokedAt: 1_000 }, /rotated: it ends at 1970-/],
  [{ signed: true }, /signed +requests are signed with it/],
])('show tells a person the state of a key: %o', async (given, message) => {
  const { code, out } = await keys(['show', id], { show: async () => ({ is: 'key', key: { ...key, ...given } }) });
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(message) });
});

it('rotates and revokes by id or by the whole key', async () => {
  const rotate = vi.fn(operatorOf().rotate);
  const revoke = vi.fn(operatorOf().revoke);
  expect((await keys(['rotate', text], { rotate })).out).toBe(`${text}\n`);
  expect(rotate).toHaveBeenLastCalledWith(id, { overlapMs: 86_400_000, lifeMs: undefined });
  await keys(['rotate', id, '--overlap', '0', '--expires', '12h'], { rotate });
  expect(rotate).toHaveBeenLastCalledWith(id, { overlapMs: 0, lifeMs: 43_200_000 });
  expect((await keys(['revoke', text], { revoke })).out).toBe(
    `${id} of acme is revoked since 1970-01-01T00:00:01.000Z.\n`,
  );
  expect(revoke).toHaveBeenLastCalledWith(id);
});

it.each([
  [['create'], /--caller/],
  [['create', '--caller', 'a b'], /expected 1 to 64 letters/],
  [['create', '--caller', 'x'.repeat(65)], /expected 1 to 64 letters/],
  [['create', '--caller', 'a', '--scope', 'jobs'], /expected job:read/],
  [['create', '--caller', 'a', '--expires', 'never'], /expected 90s/],
  [['create', '--caller', 'a', '--expires', '3651d'], /at most 3650d/],
  [['create', '--caller', 'a', '--plan', 'a/b'], /expected 1 to 64/],
  [['create', '--caller', 'a', '--name', 'a\nb'], /on one line/],
  [['rotate', id, '--overlap', '2h'], /expected one of 0, 1h, 24h, 7d/],
  [['revoke', text.replace(/.$/, '_')], /without a typo/],
])('refuses %j', async (args, message) => {
  expect(await keys(args)).toMatchObject({ code: 1, out: '', err: expect.stringMatching(message) });
});

it('says what to do where it fails', async () => {
  const fails = (error: Error) => ({ revoke: () => Promise.reject(error) });
  expect((await keys(['revoke', id], fails(notFound(`API key ${id}`)))).err).toMatch(/not found: see .*list --all/);
  const limit = new GatewayError('too many', { code: 'LIMIT_EXCEEDED' });
  expect(await keys(['revoke', id], fails(limit))).toMatchObject({ code: 1, err: 'error: too many\n' });
  expect((await keys(['revoke', id], fails(new Error('away')))).err).toMatch(/Redis does not answer any more/);
});

it('help has an example of each', async () => {
  for (const name of ['create', 'list', 'show', 'rotate', 'revoke']) {
    expect((await keys([name, '--help'])).out, name).toMatch(/Examples?:\n {2}\$ comfygate keys/);
  }
});
