import { context, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ExportResultCode, setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import { throttledWarning } from './throttled.ts';

export interface TracingOptions {
  /** Where a receiver takes OTLP over HTTP, without `/v1/traces`. */
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  version: string;
  /** The share of traces that are kept, 0 to 1, of those whose caller wants one or has not said. */
  ratio: number;
  log: Logger;
}

export interface Tracing {
  /** Sends what is left, for FLUSH_MS at most. */
  close(): Promise<void>;
}

/** Between two deliveries: soon, since what has not been sent dies with the process. */
const SEND_EVERY_MS = 1_000;
/** For one delivery, tried again meanwhile where the receiver asks for it. */
const SEND_WITHIN_MS = 5_000;
/** Spans that wait to be sent; more are dropped: about 10 MB. */
const MAX_WAITING = 8_192;
const FLUSH_MS = 2_000;
const WARN_EVERY_MS = 60_000;

const SILENT = { verbose: () => undefined, debug: () => undefined, info: () => undefined };

/** Sees which deliveries arrive. */
function toldOf(exporter: SpanExporter, onDelivered: () => void): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.code === ExportResultCode.SUCCESS) onDelivered();
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/**
 * Sends the spans of this process to a receiver. Loaded only where tracing is wanted, since it brings OpenTelemetry's SDK. A
 * receiver that is away costs spans and a line in the log, nothing else.
 */
export function startTracing({ endpoint, headers, serviceName, version, ratio, log }: TracingOptions): Tracing {
  const undelivered = throttledWarning(log, 'traces were not delivered', WARN_EVERY_MS);
  setGlobalErrorHandler(undelivered);
  // Spans beyond MAX_WAITING are told here alone.
  const tell = (message: string) => undelivered(message);
  diag.setLogger({ ...SILENT, warn: tell, error: tell }, DiagLogLevel.WARN);
  const exporter = new OTLPTraceExporter({
    url: `${endpoint}/v1/traces`,
    headers: { ...headers },
    timeoutMillis: SEND_WITHIN_MS,
  });
  const kept = new TraceIdRatioBasedSampler(ratio);
  const provider = new TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({ 'service.name': serviceName, 'service.version': version }),
    ),
    // Whoever calls may ask for no trace of his own; that there is one is not his to say. What a gateway has decided holds for
    // its workers, whose parents are no remote ones: see spans.ts.
    sampler: new ParentBasedSampler({ root: kept, remoteParentSampled: kept }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: toldOf(exporter, undelivered.over),
        scheduledDelayMillis: SEND_EVERY_MS,
        maxQueueSize: MAX_WAITING,
      }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());

  return {
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, FLUSH_MS);
      });
      await Promise.race([provider.shutdown().catch(undelivered), late]);
      clearTimeout(timer);
    },
  };
}
