import { expect, test } from 'vitest';
import { bucketUrl } from '../../../src/artifacts/s3/s3-call.ts';

const AMAZON = 'https://s3.amazonaws.com';

test.each([
  ['http://127.0.0.1:9000', 'us-east-1', 'pictures', 'http://127.0.0.1:9000/pictures'],
  ['https://s3.example.org', 'eu-west-1', 'pictures', 'https://s3.example.org/pictures'],
  [AMAZON, 'eu-west-1', 'pictures', 'https://pictures.s3.eu-west-1.amazonaws.com'],
  [AMAZON, 'cn-north-1', 'pictures', 'https://pictures.s3.cn-north-1.amazonaws.com.cn'],
  [AMAZON, 'eu-west-1', 'my.pictures', 'https://s3.eu-west-1.amazonaws.com/my.pictures'],
])('at %s in %s the objects of %s lie below %s', (endpoint, region, bucket, expected) => {
  expect(bucketUrl({ endpoint, region }, bucket)).toBe(expected);
});

test.each(['ftp://host', 'http://host/path', 'http://host/?a=b'])('%s is no endpoint', (endpoint) => {
  expect(() => bucketUrl({ endpoint, region: 'us-east-1' }, 'pictures')).toThrow('an S3 endpoint is');
});
