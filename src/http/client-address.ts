import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/** Whom a request is counted against: its IPv4 address, or the /64 that one subscriber has of IPv6. */
export function clientAddress({ socket: { remoteAddress = '' } }: Pick<IncomingMessage, 'socket'>): string {
  if (!ipaddr.isValid(remoteAddress)) return remoteAddress;
  const address = ipaddr.process(remoteAddress);
  if (address.kind() === 'ipv4') return address.toString();
  // Not shortened: `::` may stand for a part of the first four.
  return `${address.toNormalizedString().split(':').slice(0, 4).join(':')}::/64`;
}
