import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createAccess } from '../../../src/http/access.ts';
import { silent } from '../../support/gateway-store.ts';

const KEPT_AT_MOST = 32;

test('of the Host headers that fit a few are kept, whatever a client sends; none that does not fit', () => {
  const access = createAccess({ host: '127.0.0.1', allowedOrigins: [], log: silent });
  const looks = vi.spyOn(URL, 'canParse');
  onTestFinished(() => looks.mockRestore());
  const req = new IncomingMessage(new Socket());
  /** How many of them are looked at, and not known already. */
  const looked = (hosts: string[]) => {
    looks.mockClear();
    for (const host of hosts) {
      req.headers.host = host;
      if (host.startsWith('127.')) access.checkHost(req);
      else expect(() => access.checkHost(req)).toThrow('another server');
    }
    return looks.mock.calls.length;
  };
  const foreign = Array.from({ length: 100 }, (_, i) => `evil${i}.test`);
  expect([looked(foreign), looked(foreign)]).toEqual([100, 100]);
  expect([looked(['127.0.0.1:4000']), looked(['127.0.0.1:4000'])]).toEqual([1, 0]);
  const fitting = Array.from({ length: 1_000 }, (_, i) => `127.0.0.1:${i + 1}`);
  expect(looked(fitting)).toBe(1_000);
  expect(looked(fitting)).toBeGreaterThanOrEqual(1_000 - KEPT_AT_MOST);
});
