import { readFile } from 'node:fs/promises';
import { ConfigError } from '../config/config.ts';
import { type Certificate, checkCertificate } from '../http/web-server.ts';
import { type FollowedBy, followFiles } from './follow-files.ts';

export interface FollowedCertificate {
  current(): Certificate;
  /** `listener` is called with each that takes its place. */
  onChange(listener: (certificate: Certificate) => void): void;
}

/**
 * The certificate and the key in these files, as they are renewed, until shutdown.
 * @throws {ConfigError} where they cannot be used now
 */
export async function followCertificate(
  { certFile, keyFile }: { certFile: string; keyFile: string },
  by: FollowedBy,
): Promise<FollowedCertificate> {
  const listeners: ((certificate: Certificate) => void)[] = [];
  let current: Certificate = { cert: '', key: '' };

  async function take(): Promise<void> {
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    checkCertificate({ cert, key });
    current = { cert, key };
    for (const listener of listeners) listener(current);
  }
  try {
    const list = async () => [certFile, keyFile];
    await followFiles({ what: 'the certificate', list, take }, by);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`TLS_CERT_FILE: expected a certificate, and its key in TLS_KEY_FILE: ${reason}`]);
  }
  return { current: () => current, onChange: (listener) => void listeners.push(listener) };
}
