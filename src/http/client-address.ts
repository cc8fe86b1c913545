import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/** Of connections that are open: each asks many times. */
const known = new WeakMap<object, string>();

/** Whom a request is counted against: its IPv4 address, or the /64 that one subscriber has of IPv6. */
export function clientAddress({ socket }: Pick<IncomingMessage, 'socket'>): string {
  const client = known.get(socket) ?? countedAs(socket.remoteAddress ?? '');
  known.set(socket, client);
  return client;
}

function countedAs(remoteAddress: string): string {
  if (!ipaddr.isValid(remoteAddress)) return remoteAddress;
  const address = ipaddr.process(remoteAddress);
  if (address.kind() === 'ipv4') return address.toString();
  // Not shortened: `::` may stand for a part of the first four.
  return `${address.toNormalizedString().split(':').slice(0, 4).join(':')}::/64`;
}
