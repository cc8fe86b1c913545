import { onTestFinished } from 'vitest';
import { createEngine, type EngineOptions } from '../../src/graphql/engine/engine.ts';
import { createSchema } from '../../src/graphql/schema.ts';
import { type HttpServerOptions, startHttpServer } from '../../src/http/server.ts';
import type { OperationObserver } from '../../src/observability/operation-observer.ts';
import { type TestServices, testLog, testServices } from './graph-services.ts';

/** Starts the real HTTP server on a free port, with services from the test. It is closed when the test ends. */
export async function startTestServer(
  options: Partial<Omit<HttpServerOptions, 'engine' | 'services' | 'log'>> & {
    services?: TestServices;
    /** Follows the operations. */
    observer?: OperationObserver;
  } & Pick<EngineOptions, 'introspection' | 'persisted'> = {},
) {
  const services = options.services ?? (await testServices());
  const { log, lines } = testLog();
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    allowedOrigins: [],
    maxBodyBytes: 100_000,
    version: '1.2.3',
    health: services.health,
    ready: async () => true,
    ...options,
    engine: createEngine({ ...options, schema: createSchema(services.catalogue), log }),
    services,
    log,
  });
  onTestFinished(() => server.close(100));
  const graphql = `${server.url}/graphql`;

  function post(body: unknown, headers: Record<string, string> = {}) {
    return fetch(graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }
  return { server, services, lines, graphql, socketUrl: graphql.replace('http', 'ws'), post };
}
