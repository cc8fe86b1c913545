import type { Answer, Exchange } from './exchange.ts';

export interface Route {
  method: 'GET' | 'POST';
  /** A literal path, or a pattern whose groups become `params`. */
  path: string | RegExp;
  handle(exchange: Exchange): Answer | Promise<Answer>;
  /** `api`: only below /api. `bare`: never below /api. Absent: both. */
  only?: 'api' | 'bare';
}

export type Routes = Route[];

export interface FoundRoute {
  route: Route;
  path: string;
  params: string[];
}

/** Finds the route of a request; HEAD uses that of GET. A route is `/x` and `/api/x` unless `only` restricts it. */
export function createRouter(routes: Routes): (method: string, path: string) => FoundRoute | undefined {
  return (method, path) => {
    const verb = method === 'HEAD' ? 'GET' : method;
    for (const route of routes) {
      if (route.method !== verb) continue;
      for (const candidate of candidates(route, path)) {
        if (typeof route.path === 'string') {
          if (route.path === candidate) return { route, path: candidate, params: [] };
          continue;
        }
        const found = route.path.exec(candidate);
        if (found) return { route, path: candidate, params: found.slice(1) };
      }
    }
    return undefined;
  };
}

function candidates(route: Route, path: string): string[] {
  const inner = path.startsWith('/api/') ? path.slice(4) : undefined;
  if (route.only === 'bare') return [path];
  // The jobs routes are registered below /api, and once more below /api/api.
  if (route.only === 'api')
    return inner === undefined ? [] : [inner, inner.startsWith('/api/') ? inner.slice(4) : inner];
  return inner === undefined ? [path] : [inner];
}
