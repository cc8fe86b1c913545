import type { HttpRoute } from '../observability/http-metrics.ts';

/** Of results and of pictures made of them, which pages of any origin may show, in a frame too; see file-routes.ts. */
const FILES: ReadonlySet<HttpRoute> = new Set<HttpRoute>(['download', 'variant']);

/** What pages of other origins ask without CORS, to see whether the gateway is there: see client/src/reach.ts. */
const PROBED: ReadonlySet<HttpRoute> = new Set<HttpRoute>(['graphql', 'health']);

/** In seconds: a year. Of this host alone, since its neighbours may be others'. */
const HSTS = 'max-age=31536000';

/**
 * The headers that every answer has: browsers run nothing of it, show it in no frame, give it to no other site and tell
 * nobody of its address. A route whose answers need more says so itself. `publicUrl`: where it is https, browsers come
 * by nothing else from then on.
 */
export function createSecurityHeaders(publicUrl: string | undefined): (route: HttpRoute) => Record<string, string> {
  const forAll: Record<string, string> = {
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    ...(publicUrl?.startsWith('https:') && { 'Strict-Transport-Security': HSTS }),
  };
  const unframed = { ...forAll, 'X-Frame-Options': 'DENY' };
  const forOthers = { ...unframed, 'Cross-Origin-Resource-Policy': 'same-origin' };
  return (route) => {
    if (FILES.has(route)) return forAll;
    return PROBED.has(route) ? unframed : forOthers;
  };
}
