import type { IncomingMessage } from 'node:http';

/**
 * Reads an address in absolute form (`GET http://host/graphql`), as proxies send it, like any other: every server must take it,
 * and its host counts, not that of the Host header (RFC 9112, 3.2.2).
 */
export function toOriginForm(req: IncomingMessage): void {
  const [, host, rest = ''] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(req.url ?? '') ?? [];
  if (host === undefined) return;
  req.headers.host = host;
  req.url = rest.startsWith('/') ? rest : `/${rest}`;
}
