import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { inSpan, inTraceOf } from '../../../src/observability/spans.ts';
import { startTracing, type Tracing } from '../../../src/observability/tracing.ts';
import { testLog } from '../../support/graph-services.ts';

const STRANGER = '00-11111111111111111111111111111111-1111111111111111-01';
const OURS = '00-22222222222222222222222222222222-2222222222222222-01';

const { log, lines } = testLog();
const bodies: Buffer[] = [];
/** All that has come to the receiver, names and texts as they are. */
const told = () => Buffer.concat(bodies).toString('latin1');
const server = createServer((req, res) => {
  req.on('data', (chunk: Buffer) => bodies.push(chunk));
  req.on('end', () => res.end());
});
let tracing: Tracing;

// One for all tests: a process has one.
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${z.object({ port: z.number() }).parse(server.address()).port}`;
  tracing = startTracing({ endpoint, headers: {}, serviceName: 'test', version: '1', ratio: 0, log });
});
afterAll(async () => {
  await tracing.close();
  server.close();
  server.closeAllConnections();
});

test('a caller cannot raise the share of kept traces; a worker keeps what its gateway keeps', async () => {
  inTraceOf({ traceparent: STRANGER }, () => inSpan('of a stranger', {}, () => undefined));
  inSpan('of nobody', {}, () => undefined);
  inSpan('of our own', { parent: OURS }, () => inSpan('within it', {}, () => undefined));
  await expect.poll(told, { timeout: 5_000 }).toContain('of our own');
  expect(told()).toContain('within it');
  expect(told()).not.toContain('of a stranger');
  expect(told()).not.toContain('of nobody');
  expect(lines).toEqual([]);
});

test('spans that find no room are told in the log', async () => {
  for (let i = 0; i < 10_000; i++) inSpan('many', { parent: OURS }, () => undefined);
  while (lines.length === 0) {
    await delay(20);
    inSpan('one more', { parent: OURS }, () => undefined);
  }
  expect(lines).toMatchObject([
    { msg: 'traces were not delivered', error: expect.stringMatching(/^Dropped \d+ spans/) },
  ]);
});
