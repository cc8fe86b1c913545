import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers with all figures of the process, for Prometheus to read on the private port. */
export function createMetricsEndpoint(metrics: { contentType: string; text(): Promise<string> }) {
  return async (_req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const text = await metrics.text();
    res.writeHead(200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' });
    res.end(text);
  };
}
