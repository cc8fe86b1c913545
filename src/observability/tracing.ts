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
  /** The URL of a receiver that takes OTLP over HTTP, without `/v1/traces`. */
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  version: string;
  /** The share of traces that are kept, 0 to 1, among those that the caller has not declined. */
  ratio: number;
  log: Logger;
}

export interface Tracing {
  /** Sends the remaining spans, for FLUSH_MS at most. */
  close(): Promise<void>;
}

/** The time between two deliveries. It is short, since spans that were not sent are lost when the process dies. */
const SEND_EVERY_MS = 1_000;
/** The time limit of one delivery, with the retries that the receiver asks for. */
const SEND_WITHIN_MS = 5_000;
/** How many spans may wait to be sent, about 10 MB. Further ones are dropped. */
const MAX_WAITING = 8_192;
const FLUSH_MS = 2_000;
const WARN_EVERY_MS = 60_000;

const SILENT = { verbose: () => undefined, debug: () => undefined, info: () => undefined };

/** Wraps an exporter to call `onDelivered` after each delivery that succeeded. */
function reportDeliveries(exporter: SpanExporter, onDelivered: () => void): SpanExporter {
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
 * Sends the spans of this process to a receiver. This file is imported only where tracing is configured, since it loads
 * OpenTelemetry's SDK. While the receiver is down, spans are lost and a warning is logged; nothing else happens.
 */
export function startTracing({ endpoint, headers, serviceName, version, ratio, log }: TracingOptions): Tracing {
  const undelivered = throttledWarning(log, 'traces were not delivered', WARN_EVERY_MS);
  setGlobalErrorHandler(undelivered);
  // OpenTelemetry reports spans that it dropped beyond MAX_WAITING only to its diagnostic logger.
  const warn = (message: string) => undelivered(message);
  diag.setLogger({ ...SILENT, warn, error: warn }, DiagLogLevel.WARN);
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
    // A caller can decline to be traced, but cannot force a trace to be kept: a remote parent that is sampled is
    // sampled again by our ratio. Workers follow the decision of their gateway, whose spans spans.ts marks as not
    // remote.
    sampler: new ParentBasedSampler({ root: kept, remoteParentSampled: kept }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reportDeliveries(exporter, undelivered.over),
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
