import {
  type Attributes,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { GatewayError } from '../core/errors.ts';

/**
 * Spans of the process's traces, recorded through OpenTelemetry's API. Where tracing was not started (see tracing.ts)
 * the functions only run the work that they are given. Names and attributes of spans must not hold the content of a
 * request: no prompts, file names or addresses.
 */
export interface SpanDetails {
  /** Default `internal`. */
  kind?: keyof typeof KINDS;
  attributes?: Attributes;
  /**
   * The `traceparent` of the parent span in another of our processes; null begins a trace. Default: the active span.
   */
  parent?: string | null;
}

/** A span that has not ended. */
export interface OpenSpan {
  set(attributes: Attributes): void;
  /** Marks the span as failed; `code` is one of a small set. */
  fail(code: string): void;
}

/** A span that its owner must end. */
export interface StartedSpan extends OpenSpan {
  /** Runs work with this span as the active one. */
  run<T>(work: () => T): T;
  end(): void;
}

/** A span that has ended: `from` and `to` are milliseconds since 1970. */
export interface PastSpan {
  attributes?: Attributes;
  from: number;
  to: number;
  /** The error code, where it failed. */
  code?: string | undefined;
}

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** OpenTelemetry's proxy: it uses the tracing of the process once that is started. */
const tracer = trace.getTracer('comfygate');

export function startSpan(name: string, details: SpanDetails): StartedSpan {
  const parent = contextOf(details);
  const span = tracer.startSpan(name, optionsOf(details), parent);
  return {
    set: (attributes) => void span.setAttributes(attributes),
    fail: (code) => fail(span, code),
    run: (work) => context.with(trace.setSpan(parent, span), work),
    end: () => span.end(),
  };
}

/** Runs the work in a span and ends the span with it. An error marks the span with its code and is thrown again. */
export function inSpan<T>(name: string, details: SpanDetails, work: (span: OpenSpan) => T): T {
  const span = startSpan(name, details);
  const failed = (error: unknown) => {
    span.fail(codeOf(error));
    span.end();
  };
  try {
    const result = span.run(() => work(span));
    if (result instanceof Promise) result.then(span.end, failed);
    else span.end();
    return result;
  } catch (error) {
    failed(error);
    throw error;
  }
}

/** Records a span that has ended, as a child of the active span or of `details.parent`. */
export function pastSpan(name: string, { from, to, code, ...details }: PastSpan & SpanDetails): void {
  const span = tracer.startSpan(name, { ...optionsOf(details), startTime: from }, contextOf(details));
  if (code !== undefined) fail(span, code);
  span.end(to);
}

/** Marks the active span as failed. */
export function failSpan(code: string): void {
  const span = trace.getActiveSpan();
  if (span) fail(span, code);
}

/** Runs the work within the caller's trace, where its headers name one by `traceparent` and `tracestate`. */
export function inTraceOf<T>(headers: { readonly [name: string]: unknown }, work: () => T): T {
  return context.with(propagation.extract(ROOT_CONTEXT, headers), work);
}

/**
 * The `traceparent` of the active span, with which another process continues the trace; null where nothing is traced.
 */
export function traceparent(): string | null {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent ?? null;
}

function optionsOf({ kind = 'internal', attributes }: SpanDetails): SpanOptions {
  return attributes ? { kind: KINDS[kind], attributes } : { kind: KINDS[kind] };
}

function contextOf({ parent }: SpanDetails) {
  if (parent === undefined) return context.active();
  if (parent === null) return ROOT_CONTEXT;
  const named = propagation.extract(ROOT_CONTEXT, { traceparent: parent });
  const spanContext = trace.getSpanContext(named);
  // The parent is our own gateway: its decision to keep the trace is binding, unlike that of a caller.
  return spanContext ? trace.setSpanContext(named, { ...spanContext, isRemote: false }) : named;
}

/** Sets no message, since messages of errors may hold a caller's input or the address of a server. */
function fail(span: Span, code: string): void {
  span.setAttribute('error.type', code).setStatus({ code: SpanStatusCode.ERROR });
}

function codeOf(error: unknown): string {
  if (error instanceof GatewayError) return error.details.code;
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
