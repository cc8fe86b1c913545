import { onTestFinished } from 'vitest';
import { createEngine, type Engine } from '../../src/graphql/engine/engine.ts';
import { createSchema } from '../../src/graphql/schema.ts';
import { type HttpServerOptions, startHttpServer } from '../../src/http/server.ts';
import { type TestServices, testLog, testServices } from './graph-services.ts';

/** The real server on a free port, over what the test fills in; closed with the test. */
export async function startTestServer(
  options: Partial<Omit<HttpServerOptions, 'engine' | 'services' | 'log'>> & {
    services?: TestServices;
    /** What is put around the engine. Default: nothing. */
    around?: (engine: Engine) => Engine;
  } = {},
) {
  const { around = (engine) => engine } = options;
  const services = options.services ?? (await testServices());
  const { log, lines } = testLog();
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    allowedOrigins: [],
    maxBodyBytes: 100_000,
    health: services.health,
    ready: async () => true,
    ...options,
    engine: around(createEngine({ schema: createSchema(services.catalogue), log })),
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
