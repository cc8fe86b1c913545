import ipaddr from 'ipaddr.js';

const MAX_LENGTH = 2048;

/**
 * Names that are never public: those of RFC 6761, RFC 6762 and RFC 8375, and those that ICANN reserves for private use.
 */
const PRIVATE_NAME =
  /(?:^|\.)(?:localhost|local|internal|lan|home\.arpa|localdomain|intranet|corp|home|onion|test|invalid|example)$/;

/**
 * What is wrong with the URL of an input file, or null. Names are not resolved here, so a name may still lead to an
 * address that is not public: the worker checks that when it connects. URLs of `origins`, which the configuration
 * names, may use http and need not be public.
 */
export function inputUrlFault(text: string, origins: readonly string[]): string | null {
  if (text.length > MAX_LENGTH) return `expected at most ${MAX_LENGTH} characters`;
  const url = URL.parse(text);
  if (!url || url.hostname === '') return 'expected an https address';
  if (url.username !== '' || url.password !== '') return 'expected an address without user name and password';
  if (/^https?:$/.test(url.protocol) && origins.includes(url.origin)) return null;
  if (url.protocol !== 'https:') return 'expected an https address';
  return isPublicHost(url.hostname) ? null : 'expected an address on the public internet';
}

/**
 * Whether the host of a parsed URL may be public. URL parsing has already normalised every spelling of an IPv4 address.
 */
function isPublicHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$|\.$/g, '');
  if (ipaddr.isValid(host)) return isPublicAddress(host);
  // A name without a dot is one of the local network.
  return host.includes('.') && !PRIVATE_NAME.test(host);
}

/**
 * Whether an IP address is public: in none of IANA's special ranges, and not one that embeds another address.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  // IANA has allocated global unicast addresses only within 2000::/3.
  return address instanceof ipaddr.IPv4 || address.match(ipaddr.IPv6.parse('2000::'), 3);
}
