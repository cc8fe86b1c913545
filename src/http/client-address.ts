import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import { forwardedAddress } from './forwarded.ts';

/** Of connections that are open: each asks many times. */
const known = new WeakMap<object, string>();

/** Of requests that came through a proxy. */
const told = new WeakMap<object, string>();

/**
 * Has the addresses that proxies tell believed, of proxies in these networks (`10.0.0.0/8`). To be called with each
 * request before its address is asked for.
 */
export function createForwarding(trusted: readonly string[]): (req: IncomingMessage) => void {
  if (trusted.length === 0) return () => undefined;
  const networks = trusted.map((network) => ipaddr.parseCIDR(network));
  return (req) => {
    const address = forwardedAddress(req, networks);
    if (address !== null) told.set(req, address);
  };
}

/** Where a request comes from, as far as it is known; undefined: its connection has gone. */
export function addressOf(req: IncomingMessage): string | undefined {
  return told.get(req) ?? req.socket.remoteAddress;
}

/** Whom a request is counted against: its IPv4 address, or the /64 that one subscriber has of IPv6. */
export function clientAddress(req: Pick<IncomingMessage, 'socket'>): string {
  const address = told.get(req);
  if (address !== undefined) return countedAs(address);
  const { socket } = req;
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
