import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { appendOnlyFile, mirrorBucket, snapshot, undelete } from '../../support/backup.ts';
import { generated } from '../../support/gateway-client.ts';
import { findMinio, startTestMinio } from '../../support/minio.ts';
import { tempFolder } from '../../support/process.ts';
import { eventually, onlySimulator, openProduct } from '../../support/product.ts';

const BUCKET = 'pictures';

/** The servers of the drill start in a second; what is measured is the product. */
const RESTORED_WITHIN_MS = 60_000;

describe.skipIf(findMinio() === null)('a restore onto fresh servers', { timeout: 180_000 }, () => {
  it.each([snapshot, appendOnlyFile])(
    'of $name and the bucket: what was finished can be downloaded, the rest ends, keys give back their jobs',
    async (backup) => {
      await using stack = new AsyncDisposableStack();
      const lifetime = { onTestFinished: (dispose: () => Promise<void>) => stack.defer(dispose) };
      const [minio, vault] = await Promise.all([startTestMinio(), startTestMinio()]);
      stack.defer(minio.close);
      stack.defer(vault.close);
      await minio.admin.makeBucket(BUCKET, minio.region);
      await minio.admin.setBucketVersioning(BUCKET, { Status: 'Enabled' });
      const product = await openProduct(lifetime, { minio, env: { S3_BUCKET: BUCKET, BACKEND_DEPTH: '1' } });
      const simulator = onlySimulator(product);
      const [gateway, worker] = await Promise.all([product.gateway(), product.worker()]);

      // Finished, running and queued ones.
      const keys = Array.from({ length: 6 }, () => randomUUID());
      const ids: string[] = [];
      for (const [i, key] of keys.entries()) {
        if (i === 3) simulator.faults.current.holdAt = 'KSampler';
        const { id } = await gateway.generate({ key });
        ids.push(id);
        if (i < 3) expect((await gateway.watch(id).end()).type).toBe('SUCCEEDED');
        if (i === 3) await gateway.watch(id).until(({ job }) => job.progress.node?.classType === 'KSampler');
      }

      // A result that is deleted by mistake is brought back from the bucket's versions.
      const finished = await gateway.job(ids[0] ?? '');
      if (!finished) throw new Error('the job is not there');
      const results = `jobs/${finished.id}/`;
      await minio.admin.removeObject(BUCKET, `${results}1/00.png`);
      await expect(gateway.expectWhole(finished)).rejects.toThrow();
      expect(await undelete(minio, BUCKET, results)).toBe(1);
      await gateway.expectWhole(finished);

      const folder = await tempFolder();
      stack.defer(folder.remove);
      // Redis first: what its records name is in the bucket by then.
      await backup.save(product.redis, folder.path);
      const savedAt = performance.now();
      expect(await mirrorBucket(minio, vault, BUCKET)).toBeGreaterThanOrEqual(3);

      // Life goes on behind the backup: one more job, and those that were running or waiting end.
      const lateKey = randomUUID();
      const late = await gateway.generate({ key: lateKey });
      simulator.faults.reset();
      for (const id of [...ids, late.id]) expect((await gateway.watch(id).end()).type).toBe('SUCCEEDED');

      const lostAt = performance.now();
      await Promise.all([product.redis.close(), minio.close(), gateway.process.kill(), worker.kill()]);

      const fresh = await startTestMinio();
      stack.defer(fresh.close);
      await mirrorBucket(vault, fresh, BUCKET);
      const redis = await backup.restore(folder.path);
      stack.defer(redis.close);
      const env = {
        REDIS_URL: redis.url,
        S3_ENDPOINT: fresh.endpoint,
        S3_ACCESS_KEY: fresh.accessKey,
        S3_SECRET_KEY: fresh.secretKey,
      };
      const [restored] = await Promise.all([product.gateway(env), product.worker(env)]);
      await eventually(async () => (await fetch(`${restored.url}/readyz`)).ok, 'the gateway is ready');
      const restoredMs = performance.now() - lostAt;

      const statuses = await Promise.all(ids.map(async (id) => (await restored.job(id))?.status));
      expect(statuses.slice(0, 3)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
      for (const [i, key] of keys.entries()) {
        const { replayed, job } = generated(await restored.tryGenerate({ key }));
        expect({ replayed, id: job.id }).toEqual({ replayed: true, id: ids[i] });
        const { job: ended } = await restored.watch(job.id).end(90_000);
        expect(ended.status).toBe('SUCCEEDED');
        await restored.expectWhole(ended);
      }
      // What came behind the backup is gone, and made again by whoever asks with the same key.
      expect(await restored.job(late.id)).toBeNull();
      const again = generated(await restored.tryGenerate({ key: lateKey }));
      expect(again.replayed).toBe(false);
      expect((await restored.watch(again.job.id).end()).type).toBe('SUCCEEDED');

      expect(restoredMs).toBeLessThan(RESTORED_WITHIN_MS);
      console.info(
        `restore of ${backup.name}: RTO ${Math.round(restoredMs)} ms, RPO ${Math.round(lostAt - savedAt)} ` +
          `ms, in which 1 job was accepted and lost`,
      );
    },
  );
});
