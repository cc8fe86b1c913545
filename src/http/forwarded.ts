import type { IncomingMessage } from 'node:http';
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';

export type Network = readonly [IPv4 | IPv6, number];

/** Of a header: some twenty proxies. A longer one is not believed, since a client may have begun it. */
const MAX_CHARACTERS = 1_000;

/**
 * The address that a request comes from, as the proxies in `trusted` tell it by X-Forwarded-For or Forwarded (RFC
 * 7239): the last one that is none of theirs, since whatever stands before it was told by nobody who is trusted. Null
 * where the connection is no proxy's, or its address is the best that is known. Where both headers are there and
 * differ, the client has sent one of them past a proxy that writes the other, and neither is believed.
 */
export function forwardedAddress(
  { socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>,
  trusted: readonly Network[],
): string | null {
  const isTrusted = (address: IPv4 | IPv6) =>
    trusted.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  const peer = addressIn(socket.remoteAddress ?? '');
  if (peer === null || !isTrusted(peer)) return null;

  function lastUntrusted(hops: readonly string[]): string | null {
    let found: string | null = null;
    for (const hop of hops.toReversed()) {
      const address = addressIn(hop);
      // `unknown`, a name that a proxy has made up, or nonsense: what stands before it is no better.
      if (address === null) return found;
      found = address.toString();
      if (!isTrusted(address)) return found;
    }
    return found;
  }

  const told = [hopsOfList(headers['x-forwarded-for']), hopsOfForwarded(headers.forwarded)]
    .filter((hops) => hops !== null)
    .map(lastUntrusted);
  const [first = null, second = first] = told;
  return first === second ? first : null;
}

/** An address, with a port or in brackets too; IPv4 within IPv6 is IPv4. Null for what is none. */
function addressIn(text: string): IPv4 | IPv6 | null {
  const [, inBrackets, withPort] = /^(?:\[([^\]]+)\](?::\d+)?|(\d[\d.]*):\d+)$/.exec(text) ?? [];
  const bare = inBrackets ?? withPort ?? text;
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare);
  return isAddress ? ipaddr.process(bare) : null;
}

/** Node joins several headers of a name with commas. */
function hopsOfList(header: string | string[] | undefined): string[] | null {
  if (header === undefined) return null;
  const text = String(header);
  return text.length > MAX_CHARACTERS ? [] : text.split(',').map((hop) => hop.trim());
}

function hopsOfForwarded(header: string | undefined): string[] | null {
  const named = (element: string) => /(?:^|;)\s*for="?([^";]*)"?\s*(?:;|$)/i.exec(element)?.[1]?.trim() ?? '';
  return hopsOfList(header)?.map(named) ?? null;
}
