import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { parse, validate } from 'graphql';
import { chromium, type Page } from 'playwright-core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createSchema } from '../../../src/graphql/schema.ts';
import { exampleTabs } from '../../../src/http/graphql/graphiql-example.ts';
import { shippedCatalogue, testEvent, testJob, testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';

const html = { accept: 'text/html' };
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

test('is served to browsers, by GET alone, under a policy that lets only its own scripts run', async () => {
  const { graphql } = await startTestServer();
  const answer = await fetch(graphql, { headers: html });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const page = await answer.text();
  const policy = answer.headers.get('content-security-policy') ?? '';
  const scripts = [...page.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1] ?? '');
  expect(scripts).toHaveLength(2);
  for (const script of scripts) {
    expect(policy).toContain(`'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  }
  expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-/);
  expect(policy).not.toMatch(/script-src[^;]*unsafe/);
  expect(policy).toContain("frame-ancestors 'none'");
});

test('needs nothing from anywhere else', async () => {
  const { graphql } = await startTestServer();
  const page = await (await fetch(graphql, { headers: html })).text();
  const markup = page.replace(/<script>[\s\S]*?<\/script>/g, '');
  expect(markup).not.toMatch(/<script|\ssrc=|@import/);
  const addresses = [...markup.matchAll(/(?:href="|url\(["']?)([^"')]*)/g)].map((match) => match[1] ?? '');
  expect(addresses.length).toBeGreaterThan(10);
  // The documentation is the gateway's own.
  expect(addresses.filter((address) => !/^data:|^#/.test(address))).toEqual(['/docs']);
});

test('is sent once to a browser that keeps it', async () => {
  const { graphql } = await startTestServer();
  const first = await fetch(graphql, { headers: html });
  const etag = first.headers.get('etag') ?? '';
  const again = await fetch(graphql, { headers: { ...html, 'if-none-match': etag } });
  expect(again.status).toBe(304);
  expect(first.headers.get('content-encoding')).toBe('gzip');
});

test('its examples fit the schema', async () => {
  const schema = createSchema(await shippedCatalogue());
  for (const { query } of exampleTabs) expect(validate(schema, parse(query))).toEqual([]);
});

test('no line of a comment is cut where the editor has half of a small screen', () => {
  const comments = exampleTabs.flatMap(({ query }) => query.split('\n').filter((line) => line.startsWith('#')));
  expect(comments.length).toBeGreaterThan(10);
  expect(comments.filter((line) => line.length > 42)).toEqual([]);
});

/** Under load the page takes a click only when it is held for a moment, as a person does. */
function press(page: Page, selector: string) {
  return page.locator(selector).click({ delay: 150 });
}

test.skipIf(!existsSync(CHROMIUM))(
  'in a browser the first tab generates and the second watches that job live',
  { timeout: 120_000 },
  async () => {
    const job = testJob();
    const services = await testServices({ jobs: { generate: async () => ({ job, replayed: false }) } });
    services.feed.open(job.id);
    const { server, graphql } = await startTestServer({ services });
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));

    await page.goto(graphql);
    await press(page, '.graphiql-execute-button');
    await page.locator('.result-window', { hasText: job.id }).waitFor();
    await press(page, '#graphiql-session-tab-1');
    await page.locator('.graphiql-query-editor', { hasText: 'subscription' }).waitFor();
    await press(page, '.graphiql-execute-button');
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1), 60_000);
    services.feed.say(
      job.id,
      testEvent(2, { job: testJob({ progress: { fraction: 0.25, nodesDone: 1, nodesTotal: 4, node: null } }) }),
    );
    await page.locator('.result-window', { hasText: '0.25' }).waitFor();
    services.feed.say(job.id, testEvent(3, { type: 'SUCCEEDED', job: testJob({ status: 'SUCCEEDED' }) }));
    services.feed.end(job.id);
    await page.locator('.result-window', { hasText: 'SUCCEEDED' }).waitFor();

    expect(complaints).toEqual([]);
    expect(
      requests.filter(
        (url) => !url.startsWith(server.url) && !url.startsWith(`blob:${server.url}`) && !url.startsWith('data:'),
      ),
    ).toEqual([]);
  },
);

test.skipIf(!existsSync(CHROMIUM))(
  'on a phone the answer stands below the query; subscriptions go on after silence and an outage',
  { timeout: 180_000 },
  async () => {
    const job = testJob();
    const services = await testServices({ jobs: { generate: async () => ({ job, replayed: false }) } });
    services.feed.open(job.id);
    const { server } = await startTestServer({ services });
    const proxy = await startTcpProxy(Number(new URL(server.url).port));
    onTestFinished(() => proxy.close());
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    onTestFinished(() => browser.close());
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(`http://127.0.0.1:${proxy.port}/graphql`);
    await press(page, '.graphiql-execute-button');
    // The rest of the id is on the next line.
    await page.locator('.result-window', { hasText: job.id.slice(0, 8) }).waitFor();
    const query = await page.locator('.graphiql-query-editor').boundingBox();
    const answer = await page.locator('.graphiql-response').boundingBox();
    expect(answer?.y).toBeGreaterThan((query?.y ?? 0) + (query?.height ?? 0));
    expect(answer?.width).toBeGreaterThan(250);

    await press(page, '#graphiql-session-tab-1');
    await page.locator('.graphiql-query-editor', { hasText: 'subscription' }).waitFor();
    await press(page, '.graphiql-execute-button');
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1), 60_000);
    const watching = vi.spyOn(services.feed, 'watch');
    proxy.strand();
    await vi.waitFor(() => expect(watching).toHaveBeenCalled(), 60_000);

    const lost = page.locator('#connection-lost');
    expect(await lost.isVisible()).toBe(false);
    watching.mockClear();
    await proxy.refuse();
    await lost.waitFor();
    const shots = process.env.SCREENSHOTS;
    if (shots) await page.screenshot({ path: `${shots}/graphiql-lost.png` });
    await proxy.accept();
    await vi.waitFor(() => expect(watching).toHaveBeenCalled(), 60_000);
    await lost.waitFor({ state: 'hidden' });
    services.feed.say(job.id, testEvent(3, { type: 'SUCCEEDED', job: testJob({ status: 'SUCCEEDED' }) }));
    services.feed.end(job.id);
    await page.locator('.result-window', { hasText: 'SUCCEEDED' }).waitFor();
  },
);
