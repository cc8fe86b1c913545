import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { inputUrlFault, isPublicAddress } from '../../../src/uploads/input-url.ts';

const fault = (url: string, origins: string[] = []) => inputUrlFault(url, origins);

describe('A31 the address of an input file', () => {
  it.each([
    'https://example.com/a.png',
    'https://cdn.example.com:8443/a.png?token=1#x',
    'https://EXAMPLE.com./a',
    'https://8.8.8.8/a.png',
    'https://[2606:4700::1111]/a.png',
    'https://xn--bcher-kva.de/a',
    'https://bücher.de/a',
  ])('%s is fine', (url) => expect(fault(url)).toBeNull());

  it.each([
    'http://example.com/a.png',
    'ftp://example.com/a',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
    'gopher://example.com',
    'javascript:alert(1)',
    '//example.com/a',
    'example.com/a.png',
    '',
    'https://',
  ])('%s is not https', (url) => expect(fault(url)).toMatch(/https/));

  it.each(['https://me:secret@example.com/', 'https://me@example.com/'])('%s holds a credential', (url) =>
    expect(fault(url)).toMatch(/password/),
  );

  it('longer than 2048 characters is refused', () => {
    const long = (length: number) => 'https://example.com/'.padEnd(length, 'a');
    expect(fault(long(2048))).toBeNull();
    expect(fault(long(2049))).toMatch(/2048/);
  });

  it.each([
    // Loopback, in every spelling that URL parsers take.
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://127.0.0.1./',
    'https://１２７.0.0.1/',
    'https://%31%32%37.0.0.1/',
    'https://[::1]/',
    'https://[0:0:0:0:0:0:0:1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b:1::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[2001:0:7f00:1::]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://a.localhost/',
    // What clouds, local networks and machines keep to themselves.
    'https://169.254.169.254/latest/meta-data/',
    'https://0xa9fea9fe/',
    'https://2852039166/',
    'https://metadata.google.internal/',
    'https://[fd00:ec2::254]/',
    'https://0.0.0.0/',
    'https://0/',
    'https://[::]/',
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://100.64.0.1/',
    'https://192.0.0.1/',
    'https://192.0.2.1/',
    'https://198.18.0.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[fe80::1]/',
    'https://[fec0::1]/',
    'https://[fc00::1]/',
    'https://[ff02::1]/',
    'https://[2001:db8::1]/',
    'https://[4000::1]/',
    'https://redis/',
    'https://minio:9000/',
    'https://printer.local/',
    'https://nas.lan/',
    'https://router.home.arpa/',
    'https://a.onion/',
  ])('%s is not public', (url) => expect(fault(url)).toMatch(/public/));

  it('an origin that the configuration names is free of these rules, and no other port, scheme or host with it', () => {
    const origins = ['http://127.0.0.1:9000', 'https://minio'];
    for (const url of ['http://127.0.0.1:9000/a', 'http://127.1:9000/a', 'https://minio/a', 'https://MINIO:443/a']) {
      expect([url, fault(url, origins)]).toEqual([url, null]);
    }
    for (const url of [
      'http://127.0.0.1:9001/a',
      'https://127.0.0.1:9000/a',
      'http://minio/a',
      'https://minio.evil/',
      'http://127.0.0.1:9000@10.0.0.1/',
      'http://u:p@127.0.0.1:9000/a',
      'ftp://127.0.0.1:9000/a',
    ]) {
      if (url === 'https://minio.evil/') expect(fault(url, origins)).toBeNull();
      else expect([url, fault(url, origins) === null]).toEqual([url, false]);
    }
  });
});

test('no address within a special range is public, however it is written', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const first = fc.constantFrom(
    '0',
    '10',
    '127',
    '169.254',
    '192.168',
    '172.16',
    '172.31',
    '100.64',
    '224',
    '240',
    '255',
  );
  fc.assert(
    fc.property(first, octet, octet, octet, (start, a, b, c) => {
      const address = `${start}.${a}.${b}.${c}`.split('.').slice(0, 4).join('.');
      expect(isPublicAddress(address)).toBe(false);
      expect(isPublicAddress(`::ffff:${address}`)).toBe(false);
      const parts = address.split('.').map(Number);
      const number = parts.reduce((sum, part) => sum * 256 + part, 0);
      for (const host of [String(number), `0x${number.toString(16)}`, `0${number.toString(8)}`]) {
        expect(fault(`https://${host}/`)).not.toBeNull();
      }
    }),
  );
});

test('what is no address is not public', () => {
  for (const text of ['', 'example.com', 'fe80::1%eth0', '8.8.8.8 ', '::g']) {
    expect([text, isPublicAddress(text)]).toEqual([text, false]);
  }
});
