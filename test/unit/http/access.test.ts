import { expect, test } from 'vitest';
import { fitsPrivatePort } from '../../../src/http/access.ts';

test("a private port on loopback is asked by loopback's names alone", () => {
  for (const header of ['127.0.0.1:9464', 'localhost', 'LOCALHOST:9464', '[::1]:9464', '127.1.2.3']) {
    expect(fitsPrivatePort('127.0.0.1', header), header).toBe(true);
  }
  for (const header of [
    'evil.test:9464',
    'localhost.evil.test',
    '127.0.0.1.evil.test',
    'worker:9464',
    '10.0.0.1',
    '',
  ]) {
    expect(fitsPrivatePort('127.0.0.1', header), header).toBe(false);
  }
  expect(fitsPrivatePort('::1', 'evil.test')).toBe(false);
  // HTTP/1.0, as some health checks speak it.
  expect(fitsPrivatePort('127.0.0.1', undefined)).toBe(true);
});

test('a private port that Prometheus reaches from elsewhere is asked by whatever name it has there', () => {
  for (const header of [
    '10.1.2.3:9464',
    'gateway:9464',
    'gateway.shop.svc.cluster.local:9464',
    'gpu1.example.com:9464',
  ]) {
    expect(fitsPrivatePort('0.0.0.0', header), header).toBe(true);
  }
});
