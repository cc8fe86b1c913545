import { expect, test, vi } from 'vitest';
import { auditRefusals } from '../../../src/app/audit-refusals.ts';
import { refused } from '../../../src/callers/refusal.ts';

test('a key of the installation that was refused is in the audit log, and what somebody has invented is not', () => {
  const record = vi.fn();
  const note = auditRefusals({ record });
  const from = { requestId: 'request-1', client: '198.51.100.7', address: '198.51.100.7' };
  note(refused('malformed'), from);
  note(refused('unknown'), from);
  expect(record).not.toHaveBeenCalled();
  note(refused('revoked', 'mQ2PzqRy9XbE'), from);
  expect(record.mock.calls).toEqual([
    [
      {
        ...{ action: 'login', outcome: 'refused', code: 'UNAUTHENTICATED', caller: 'unknown' },
        ...{ requestId: 'request-1', address: '198.51.100.7', keyId: 'mQ2PzqRy9XbE', reason: 'revoked' },
      },
    ],
  ]);
});
