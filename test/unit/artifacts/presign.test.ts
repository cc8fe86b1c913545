import { expect, it, vi } from 'vitest';
import { createPresigner } from '../../../src/artifacts/s3/presign.ts';

it('an address is signed once, though a job tells of its results with each event', async () => {
  const server = { endpoint: 'http://s3.test', region: 'us-east-1', accessKey: 'key', secretKey: 'secret' };
  const presign = createPresigner(server, 'bucket');
  const request = { method: 'GET', key: 'jobs/a/1/00.png', startsAtMs: 1_900_000_000_000, lifeSeconds: 3600 } as const;
  const first = await presign(request);
  const sign = vi.spyOn(crypto.subtle, 'sign');
  expect(await presign({ ...request })).toBe(first);
  expect(sign).not.toHaveBeenCalled();
  const others = [{ key: 'jobs/a/1/01.png' }, { startsAtMs: 1_900_000_900_000 }, { lifeSeconds: 60 }];
  const signed = await Promise.all(others.map((other) => presign({ ...request, ...other })));
  expect(new Set([first, ...signed]).size).toBe(4);
  expect(sign).toHaveBeenCalled();
});
