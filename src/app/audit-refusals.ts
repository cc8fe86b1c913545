import { refusalOf } from '../callers/refusal.ts';
import type { LoginOptions } from '../http/login.ts';
import type { Audit } from '../observability/audit.ts';

/**
 * Keys of the installation that are used when they may not be. Whatever else is refused was invented by somebody, who
 * could fill the disk with it: that is only counted.
 */
export function auditRefusals(audit: Pick<Audit, 'record'>): NonNullable<LoginOptions['onRefused']> {
  return (error, { requestId, address }) => {
    const { keyId = null, reason } = refusalOf(error) ?? {};
    if (keyId === null) return;
    const { code } = error.details;
    audit.record({ action: 'login', outcome: 'refused', code, caller: 'unknown', requestId, address, keyId, reason });
  };
}
