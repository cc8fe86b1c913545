import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openKeyOperator } from '../../../src/app/open-key-operator.ts';
import type { KeyRequest } from '../../../src/callers/keys.ts';
import { defaultScopes } from '../../../src/callers/scopes.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { openDataDir } from '../../../src/embedded/data-dir.ts';
import { silent } from '../../support/gateway-store.ts';
import { tempFolder } from '../../support/process.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

const request: KeyRequest = {
  ...{ caller: 'ada@example.com', name: 'Ada', plan: 'pro', scopes: defaultScopes, lifeMs: null, signed: false },
};

it('tells the audit log who made, rotated and revoked which key for whom, and what was refused', async (test) => {
  const folder = await tempFolder();
  test.onTestFinished(folder.remove);
  const auditLog = join(folder.path, 'audit.log');
  const config = loadConfig({ DATA_DIR: folder.path, AUDIT_LOG: auditLog, REDIS_PREFIX: 'audit' });
  const texts: string[] = [];
  const ids: string[] = [];
  {
    await using session = await openKeyOperator(config, server.url, silent);
    const { operator } = session;
    const first = await operator.create(request);
    const second = await operator.rotate(first.key.id, { overlapMs: 0 });
    await operator.revoke(second.key.id);
    await operator.list();
    await expect(operator.revoke('0'.repeat(12))).rejects.toThrow('not found');
    texts.push(first.text, second.text);
    ids.push(first.key.id, second.key.id);
  }
  const log = await readFile(auditLog, 'utf8');
  const caller = expect.stringMatching(/^operator:/);
  const facts = { outcome: 'done', caller, keyCaller: 'ada@example.com', plan: 'pro', time: expect.any(String) };
  expect(
    log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { action: 'createKey', keyId: ids[0], ...facts },
    { action: 'rotateKey', keyId: ids[1], rotatedKeyId: ids[0], ...facts },
    { action: 'revokeKey', keyId: ids[1], ...facts },
    { action: 'revokeKey', keyId: '0'.repeat(12), outcome: 'refused', code: 'NOT_FOUND', caller, time: facts.time },
  ]);
  for (const text of texts) expect(log).not.toContain(text.split('_')[2]);
});

it('seals signing secrets by the secret of the data folder, and says where there is none', async (test) => {
  const folder = await tempFolder();
  test.onTestFinished(folder.remove);
  const config = loadConfig({ DATA_DIR: folder.path, REDIS_PREFIX: 'sealed' });
  {
    await using session = await openKeyOperator(config, server.url, silent);
    await expect(session.operator.create({ ...request, signed: true })).rejects.toThrow(/^SIGNING_SECRET: expected/);
    expect((await session.operator.create(request)).signingSecret).toBeNull();
  }
  const dataDir = await openDataDir(folder.path);
  test.onTestFinished(dataDir.close);
  await using session = await openKeyOperator(config, server.url, silent);
  const made = await session.operator.create({ ...request, signed: true });
  expect(made.signingSecret).toMatch(/^[\w-]{43}$/);
});
