import { expect, onTestFinished, test } from 'vitest';
import { createS3Store } from '../../../src/artifacts/s3/s3.ts';
import { findVersityGateway, startTestVersityGateway } from '../../support/versitygw.ts';

// It answers some of those who make a bucket at the same moment that it failed, and not that the bucket is there.
test.skipIf(findVersityGateway() === null)('many who make the bucket at once all find it there', async () => {
  const s3 = await startTestVersityGateway();
  onTestFinished(s3.close);
  const file = { contentType: 'image/png', filename: 'a.png', sizeBytes: 3, expiresInSeconds: 60 };
  for (let i = 0; i < 20; i++) {
    const stores = Array.from({ length: 8 }, () => createS3Store({ ...s3, bucket: `bucket-${i}`, now: Date.now }));
    const addresses = await Promise.all(stores.map((store) => store.uploadUrl('uploads/first', file)));
    expect(addresses).toHaveLength(8);
  }
});
