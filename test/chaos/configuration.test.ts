import { describe, expect, it } from 'vitest';
import { startProduct, tempFolder } from '../support/process.ts';
import { startTestRedis } from '../support/redis.ts';

describe.concurrent('a start that cannot be', { timeout: 120_000 }, () => {
  it('bad values: exit code 78, and a line for each of them', async () => {
    const gateway = startProduct(['gateway'], {
      PORT: '99999999',
      JOB_ATTEMPTS: 'many',
      HOST: '0.0.0.0',
      REDIS_URL: 'redis://user:hunter2@127.0.0.1:1/notanumber:',
      COMFYUI_URLS: 'ftp://nowhere',
    });
    expect(await gateway.exited).toBe(78);
    const lines = gateway.output().split('\n');
    for (const name of ['PORT:', 'JOB_ATTEMPTS:', 'HOST:', 'COMFYUI_URLS:']) {
      expect(lines.filter((line) => line.trim().startsWith(name))).toHaveLength(1);
    }
    expect(gateway.output()).not.toContain('hunter2');
  });

  it('a role without what it needs: exit code 78, and what is missing by name', async () => {
    const [gateway, worker] = [startProduct(['gateway'], {}), startProduct(['worker'], {})];
    expect(await Promise.all([gateway.exited, worker.exited])).toEqual([78, 78]);
    expect(gateway.output()).toContain('REDIS_URL:');
    expect(gateway.output()).toContain('STORAGE_SHARED:');
    expect(worker.output()).toContain('COMFYUI_URLS:');
  });

  it('a Redis that would throw jobs away: the start stops with the command that mends it', async (test) => {
    const redis = await startTestRedis({ config: { 'maxmemory-policy': 'allkeys-lru' } });
    test.onTestFinished(redis.close);
    const folder = await tempFolder();
    test.onTestFinished(folder.remove);
    const env = {
      REDIS_URL: redis.url,
      STORAGE_SHARED: 'true',
      SIGNING_SECRET: 'x'.repeat(32),
      DATA_DIR: folder.path,
      COMFYUI_URLS: 'http://127.0.0.1:1',
    };
    for (const role of ['gateway', 'worker', 'start']) {
      const refused = startProduct([role], { ...env, PORT: '0' });
      expect(await refused.exited, role).toBe(78);
      expect(refused.output()).toContain('redis-cli CONFIG SET maxmemory-policy noeviction');
      expect(refused.output()).not.toContain('    at ');
    }
  });
});
