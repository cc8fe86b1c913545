import * as z from 'zod';
import { freePort, onFreePort } from './free-port.ts';
import { startProgram } from './process.ts';

/** A span in Jaeger's form. Times are in microseconds since 1970. */
export interface SeenSpan {
  traceId: string;
  id: string;
  /** Null where the span began the trace, or its parent was not sent. */
  parentId: string | null;
  name: string;
  service: string;
  start: number;
  end: number;
  tags: { [name: string]: unknown };
}

/** A real Jaeger for one test. It takes OTLP over HTTP, and returns the spans that it got. */
export interface TestJaeger {
  /** The value for OTEL_EXPORTER_OTLP_ENDPOINT. */
  endpoint: string;
  /** All spans of a trace so far. */
  trace(traceId: string): Promise<SeenSpan[]>;
  /** The names of all services that have sent spans. */
  services(): Promise<string[]>;
  close(): Promise<void>;
}

const tagsSchema = z
  .array(z.object({ key: z.string(), value: z.unknown() }))
  .transform((tags) => Object.fromEntries(tags.map(({ key, value }) => [key, value])));
const tracesSchema = z.object({
  data: z
    .array(
      z.object({
        spans: z.array(
          z.object({
            traceID: z.string(),
            spanID: z.string(),
            processID: z.string(),
            operationName: z.string(),
            references: z.array(z.object({ refType: z.string(), spanID: z.string() })),
            startTime: z.number(),
            duration: z.number(),
            tags: tagsSchema,
          }),
        ),
        processes: z.record(z.string(), z.object({ serviceName: z.string() })),
      }),
    )
    .nullable(),
});
const servicesSchema = z.object({ data: z.array(z.string()).nullable() });

/** The Jaeger that scripts/bootstrap has built; null where there is none. */
export function findJaeger(): string | null {
  return process.env.JAEGER_BIN || null;
}

export function startTestJaeger(): Promise<TestJaeger> {
  const program = findJaeger();
  if (program === null) throw new Error('no Jaeger: set JAEGER_BIN');
  return onFreePort(async (port) => {
    const query = await freePort();
    // Sets every port that Jaeger listens on, so that none has its default.
    const args = Object.entries({
      'collector.otlp.http.host-port': port,
      'query.http-server.host-port': query,
      'query.grpc-server.host-port': await freePort(),
      'collector.otlp.grpc.host-port': 0,
      'collector.grpc-server.host-port': await freePort(),
      'collector.http-server.host-port': 0,
      'admin.http.host-port': 0,
      'http-server.host-port': 0,
      'processor.jaeger-compact.server-host-port': 0,
      'processor.jaeger-binary.server-host-port': 0,
      'processor.zipkin-compact.server-host-port': 0,
    }).map(([name, each]) => `--${name}=127.0.0.1:${each}`);
    const jaeger = startProgram(program, ['--collector.otlp.enabled', ...args], { SPAN_STORAGE_TYPE: 'memory' });
    try {
      await jaeger.until('Health Check state change","status":"ready"', 30_000);
    } catch (error) {
      await jaeger.kill();
      throw error;
    }

    async function ask<T>(schema: z.ZodType<T>, path: string): Promise<T | null> {
      const response = await fetch(`http://127.0.0.1:${query}/api/${path}`);
      if (response.status === 404) return null;
      return schema.parse(await response.json());
    }

    return {
      endpoint: `http://127.0.0.1:${port}`,
      async trace(traceId) {
        const [trace] = (await ask(tracesSchema, `traces/${traceId}`))?.data ?? [];
        return (trace?.spans ?? []).map((span) => ({
          traceId: span.traceID,
          id: span.spanID,
          parentId: span.references.find(({ refType }) => refType === 'CHILD_OF')?.spanID ?? null,
          name: span.operationName,
          service: trace?.processes[span.processID]?.serviceName ?? '',
          start: span.startTime,
          end: span.startTime + span.duration,
          tags: span.tags,
        }));
      },
      services: async () => (await ask(servicesSchema, 'services'))?.data ?? [],
      close: () => jaeger.kill(),
    };
  });
}
