import { readFile } from 'node:fs/promises';
import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { startProgram } from '../../support/process.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

/** For which a watcher that comes while Redis is away waits here. */
const WAIT_MS = 500;

/** Node's EventSource does not keep a process alive while it waits to connect again; a page stays. */
const WHILE_OPEN = 'const open = setInterval(() => source.readyState === source.CLOSED && clearInterval(open), 50);';

let redis: TestRedis;
let product: UseCases;

beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  product = await openUseCases(redis.url, { waitMs: WAIT_MS });
});
afterEach(() => product.close());

/** A server of the product's use cases. */
async function serve(): Promise<string> {
  const { feed, jobs, changes } = product;
  const services = await testServices();
  const { server } = await startTestServer({
    services: { ...services, jobs, changes, feed: { ...services.feed, ...feed } },
  });
  return server.url;
}

/** The example of docs/clients.md that holds a text, as it stands there, for this gateway and job. */
async function example(text: string, url: string, id: string): Promise<string> {
  const page = await readFile(new URL('../../../docs/clients.md', import.meta.url), 'utf8');
  const found = [...page.matchAll(/```js\n([\s\S]*?)```/g)]
    .map(([, code = '']) => code)
    .find((code) => code.includes(text));
  if (found === undefined) throw new Error(`docs/clients.md has no example with ${text}`);
  const address = url.replace('http://', '');
  return `const id = ${JSON.stringify(id)};\n${found.replace('127.0.0.1:4000', address)}`;
}

describe('B14 a loop of docs/clients.md that begins while Redis is away', { timeout: 120_000 }, () => {
  it.each([
    ['graphql-ws', 'createClient(', ''],
    ['EventSource', 'new EventSource(', WHILE_OPEN],
  ])('asks again after UNAVAILABLE, and sees the end: %s', async (_name, text, more) => {
    const { job } = await product.generate();
    const running = await product.start(job.id);
    const watching = vi.spyOn(product.feed, 'watch');
    const url = await serve();
    await redis.kill();
    await vi.waitFor(() => expect(product.redis.status).not.toBe('ready'));
    const code = (await example(text, url, job.id)) + more;
    const client = startProgram(
      process.execPath,
      ['--no-warnings', '--experimental-eventsource', '--input-type=module', '-e', code],
      {},
    );
    // It was told UNAVAILABLE once at least.
    await vi.waitFor(() => expect(watching.mock.calls.length).toBeGreaterThan(1), { timeout: 40_000 });
    expect(client.output()).toBe('');
    await redis.restart();
    await client.until('SNAPSHOT');
    await vi.waitFor(() => running.succeed(), { timeout: 10_000 });
    expect(await client.exited).toBe(0);
    const types = client
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types).toEqual(['SNAPSHOT', 'SUCCEEDED']);
  });

  it('gives up where there is no such job', async () => {
    const url = await serve();
    const client = startProgram(
      process.execPath,
      ['--input-type=module', '-e', await example('createClient(', url, v7())],
      {},
    );
    expect(await client.exited).not.toBe(0);
    expect(client.output()).toContain('job not found');
  });
});
