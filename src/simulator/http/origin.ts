import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';

interface Authority {
  host: string;
  hostname: string;
  port: string;
}

/**
 * Whether ComfyUI refuses a request as one of another web site in a browser on the same machine. It refuses cross-site
 * fetches, and when the Host is loopback, an Origin of another host or port. Ports count only where both have one.
 */
export function isForeignOrigin(headers: IncomingHttpHeaders): boolean {
  if (headers['sec-fetch-site'] === 'cross-site') return true;
  if (headers.host === undefined || headers.origin === undefined) return false;
  const host = authority(headers.host);
  const origin = authority(/^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(headers.origin)?.[1] ?? '');
  if (!isLoopback(host.hostname)) return false;
  const wanted = origin.port === '' ? host.hostname : host.host;
  const actual = host.port === '' ? origin.hostname : origin.host;
  return wanted !== '' && actual !== '' && wanted !== actual;
}

function authority(text: string): Authority {
  const host = text.toLowerCase().replace(/^.*@/, '');
  const found = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(host);
  return { host, hostname: (found?.[1] ?? host).replace(/^\[|\]$/g, ''), port: found?.[2] ?? '' };
}

function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return true;
  const version = isIP(hostname);
  if (version === 0) return false;
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(hostname, version === 6 ? 'ipv6' : 'ipv4');
}
