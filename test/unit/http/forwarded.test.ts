import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { addressOf, clientAddress, createForwarding } from '../../../src/http/client-address.ts';

function request(remoteAddress: string, headers: IncomingMessage['headers']) {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
  const req = new IncomingMessage(socket);
  Object.assign(req.headers, headers);
  return req;
}

const TRUSTED = ['10.0.0.0/8', 'fd00::/8', '127.0.0.1/32'];
const LONG = `198.51.100.7, ${'10.0.0.1, '.repeat(200)}10.0.0.2`;

test.each([
  ['the one before a proxy', '10.0.0.1', { 'x-forwarded-for': '198.51.100.7' }, '198.51.100.7'],
  ['a proxy as IPv4 within IPv6', '::ffff:10.0.0.1', { 'x-forwarded-for': '198.51.100.7' }, '198.51.100.7'],
  ['what a client has written before it', '10.0.0.1', { 'x-forwarded-for': '1.2.3.4, 198.51.100.7' }, '198.51.100.7'],
  ['through two proxies', '10.0.0.1', { 'x-forwarded-for': '1.2.3.4, 198.51.100.7, 10.9.9.9' }, '198.51.100.7'],
  ['all of them proxies', '10.0.0.1', { 'x-forwarded-for': '10.1.1.1, 10.2.2.2' }, '10.1.1.1'],
  ['with a port', '10.0.0.1', { 'x-forwarded-for': '198.51.100.7:4711' }, '198.51.100.7'],
  ['IPv6', 'fd00::1', { 'x-forwarded-for': '2001:db8:1:2:3::4' }, '2001:db8:1:2::/64'],
  ['nonsense behind a good one', '10.0.0.1', { 'x-forwarded-for': '1.2.3.4, what, 10.2.2.2' }, '10.2.2.2'],
  ['nothing but nonsense', '10.0.0.1', { 'x-forwarded-for': 'what' }, '10.0.0.1'],
  ['a header that is too long', '10.0.0.1', { 'x-forwarded-for': LONG }, '10.0.0.1'],
  ['Forwarded', '10.0.0.1', { forwarded: 'for=198.51.100.7;proto=https' }, '198.51.100.7'],
  ['Forwarded with IPv6', '10.0.0.1', { forwarded: 'proto=http;For="[2001:db8::1]:80"' }, '2001:db8:0:0::/64'],
  ['several', '10.0.0.1', { forwarded: 'for=1.2.3.4, for=198.51.100.7, for=10.4.4.4' }, '198.51.100.7'],
  ['Forwarded that hides', '10.0.0.1', { forwarded: 'for=1.2.3.4, for=_hidden' }, '10.0.0.1'],
  ['both, equal', '10.0.0.1', { forwarded: 'for=198.51.100.7', 'x-forwarded-for': '198.51.100.7' }, '198.51.100.7'],
  [
    'both, of which a client has sent one',
    '10.0.0.1',
    { forwarded: 'for=1.1.1.1', 'x-forwarded-for': '198.51.100.7' },
    '10.0.0.1',
  ],
  [
    'A48: whoever is no proxy',
    '198.51.100.9',
    { 'x-forwarded-for': '1.2.3.4', forwarded: 'for=1.2.3.4' },
    '198.51.100.9',
  ],
])('%s', (_name, remoteAddress, headers, client) => {
  const req = request(remoteAddress, headers);
  createForwarding(TRUSTED)(req);
  expect(clientAddress(req)).toBe(client);
});

test('A48: without TRUSTED_PROXIES nobody is believed', () => {
  const req = request('127.0.0.1', { 'x-forwarded-for': '1.2.3.4' });
  createForwarding([])(req);
  expect([addressOf(req), clientAddress(req)]).toEqual(['127.0.0.1', '127.0.0.1']);
});

test('two requests of one connection of a proxy are counted apart, and the audit log has their whole addresses', () => {
  const first = request('10.0.0.1', { 'x-forwarded-for': '2001:db8:1:2:3::4' });
  const second = Object.assign(new IncomingMessage(first.socket), { headers: { 'x-forwarded-for': '198.51.100.7' } });
  const note = createForwarding(TRUSTED);
  note(first);
  note(second);
  expect([first, second].map(addressOf)).toEqual(['2001:db8:1:2:3::4', '198.51.100.7']);
  expect([first, second].map(clientAddress)).toEqual(['2001:db8:1:2::/64', '198.51.100.7']);
});
