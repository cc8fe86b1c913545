import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { followCertificate } from '../../../src/app/follow-certificate.ts';
import { testLog } from '../../support/graph-services.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/tls');

async function scratch() {
  const folder = await mkdtemp(join(tmpdir(), 'comfygate-tls-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { log, lines } = testLog();
  const shutdown = { add: (_name: string, stop: () => unknown) => onTestFinished(async () => void (await stop())) };
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  const place = (pair: string, part: 'cert' | 'key') =>
    copyFile(join(fixtures, `${pair}-${part}.pem`), join(folder, `${part}.pem`));
  return { lines, files, place, follow: () => followCertificate(files, { log, shutdown }) };
}

test('a renewed certificate is taken with its key, and never one without the other', async () => {
  const { lines, place, follow } = await scratch();
  await place('first', 'cert');
  await place('first', 'key');
  const followed = await follow();
  const taken: string[] = [];
  followed.onChange(({ cert }) => taken.push(cert));
  await place('second', 'cert');
  const told = () => lines.filter(({ msg }) => String(msg).includes('cannot be used'));
  await vi.waitFor(() => expect(told()).toHaveLength(1), 20_000);
  expect(followed.current().cert).toBe(await readFile(join(fixtures, 'first-cert.pem'), 'utf8'));
  await place('second', 'key');
  const second = await readFile(join(fixtures, 'second-cert.pem'), 'utf8');
  await vi.waitFor(() => expect(taken).toEqual([second]), 20_000);
  expect(followed.current().cert).toBe(second);
});

test('a gateway does not start with the key of another certificate, or without any', async () => {
  const { place, follow } = await scratch();
  await expect(follow()).rejects.toThrow(/^TLS_CERT_FILE: .*ENOENT/);
  await place('first', 'cert');
  await place('second', 'key');
  await expect(follow()).rejects.toThrow(/^TLS_CERT_FILE: .*mismatch/i);
});
