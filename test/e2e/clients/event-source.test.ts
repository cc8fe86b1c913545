import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { listen } from '../../../src/http/listen.ts';
import { freePort } from '../../support/free-port.ts';
import { createGatewayClient } from '../../support/gateway-client.ts';
import { eventually, onlySimulator, openProduct } from '../../support/product.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** A page of another origin, as a developer's own server gives it. */
async function openPage(browser: Browser): Promise<{ page: Page; origin: string }> {
  const server = createServer((_req, res) => {
    res.setHeader('content-type', 'text/html').end('<!doctype html><title>app</title>');
  });
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 });
  const page = await browser.newPage();
  onTestFinished(async () => {
    await page.close();
    server.closeAllConnections();
    server.close();
  });
  await page.goto(url);
  return { page, origin: url };
}

/** Runs in the page: begins to watch a job. Nothing but EventSource decides when to connect, and when no more. */
function watchFromPage({ gateway, id }: { gateway: string; id: string }) {
  const query = 'subscription($id: ID!) { jobProgress(id: $id) { seq type } }';
  const search = new URLSearchParams({ query, variables: JSON.stringify({ id }) });
  const source = new EventSource(`${gateway}/graphql?${search}`);
  const events: { seq: number; type: string; id: string }[] = [];
  let opened = 0;
  source.addEventListener('open', () => {
    opened += 1;
  });
  source.addEventListener('next', ({ data, lastEventId }) => {
    events.push({ ...JSON.parse(data).data.jobProgress, id: lastEventId });
  });
  Object.assign(globalThis, { watched: () => ({ events, opened, closed: source.readyState === EventSource.CLOSED }) });
}

/** What the page has seen by now. */
function seen(page: Page) {
  return page.evaluate((): { events: { seq: number; type: string; id: string }[]; opened: number; closed: boolean } =>
    Reflect.get(globalThis, 'watched')(),
  );
}

/** Runs in the page: whether it can read a result, and what of it. */
async function readFromPage(url: string) {
  const part = await fetch(url, { headers: { Range: 'bytes=1-3' } });
  const range = part.headers.get('content-range');
  const etag = part.headers.get('etag') ?? '';
  const again = await fetch(url, { headers: { 'If-None-Match': etag }, cache: 'no-store' });
  const image = new Image();
  image.crossOrigin = 'anonymous';
  image.src = url;
  await image.decode();
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  context?.drawImage(image, 0, 0);
  const pixels = context?.getImageData(0, 0, 1, 1).data.length;
  const refused = await fetch(url.replace('signature=', 'signature=x'));
  return { text: await part.text(), range, again: again.status, pixels, refused: refused.status };
}

describe.skipIf(!existsSync(CHROMIUM))('a page of another origin', { timeout: 240_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(() => browser?.close());

  test('watches a job by EventSource through a restart of the gateway: each event once, then it stops', async () => {
    const { page, origin } = await openPage(browser);
    const product = await openProduct({ onTestFinished }, { env: { ALLOWED_ORIGINS: origin } });
    const { faults } = onlySimulator(product);
    await product.worker();
    const port = String(await freePort());
    const first = await product.gateway({ PORT: port });
    faults.current.holdAt = 'KSampler';
    const client = createGatewayClient(`http://127.0.0.1:${port}`, product.texts);
    const { id } = await client.generate({ parameters: { width: 64, height: 64, steps: 4 } });
    await page.evaluate(watchFromPage, { gateway: client.url, id });
    await eventually(async () => (await client.job(id))?.status === 'RUNNING', 'the job runs', 60_000);
    await eventually(async () => (await seen(page)).events.length > 0, 'the page watches it', 60_000);

    await first.process.stop();
    faults.current.holdAt = null;
    await product.gateway({ PORT: port });
    await eventually(async () => (await client.job(id))?.status === 'SUCCEEDED', 'the job is done', 60_000);
    await eventually(async () => (await seen(page)).closed, 'the page stops by itself', 60_000);

    const { events, opened } = await seen(page);
    expect(opened).toBe(2);
    expect(events.map(({ type }) => type).filter((type) => type === 'SNAPSHOT')).toHaveLength(1);
    expect(events.at(-1)?.type).toBe('SUCCEEDED');
    // In order, and none twice. The job has ended while the page was away, and its log has no PROGRESS any more.
    const seqs = events.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    expect(events.map((event) => event.id)).toEqual(seqs.map(String));
  });

  test('calls npm start from a server of its own on this machine, and reads what it has made', async () => {
    const { page } = await openPage(browser);
    const product = await openProduct({ onTestFinished });
    const gateway = await product.both();
    const id = await page.evaluate(async (url) => {
      const query = `mutation { generate(input: { idempotencyKey: "page", workflow: { textToImage: {
        prompt: "a fox", width: 64, height: 64, steps: 2 } } }) { job { id } } }`;
      const answer = await fetch(`${url}/graphql`, {
        method: 'POST',
        credentials: 'include',
        headers: { 'content-type': 'application/json', authorization: 'Bearer x', 'sentry-trace': '1' },
        body: JSON.stringify({ query }),
      });
      const id: string = (await answer.json()).data.generate.job.id;
      return id;
    }, gateway.url);
    await page.evaluate(watchFromPage, { gateway: gateway.url, id });
    await eventually(async () => (await seen(page)).closed, 'the job is done, and the page stops', 60_000);
    expect((await seen(page)).events.at(-1)?.type).toBe('SUCCEEDED');

    const socket = await page.evaluate(async (url) => {
      const opened = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      return new Promise<string>((resolve) => {
        opened.onopen = () => resolve('open');
        opened.onerror = () => resolve('refused');
      });
    }, gateway.url);
    expect(socket).toBe('open');

    const { artifacts = [] } = (await gateway.job(id)) ?? {};
    const read = await page.evaluate(readFromPage, artifacts[0]?.url ?? '');
    expect(read).toEqual({
      text: 'PNG',
      range: expect.stringMatching(/^bytes 1-3\/\d+$/),
      again: 304,
      pixels: 4,
      refused: 403,
    });
  });

  test('is refused by a gateway that has not been told of it', async () => {
    const { page } = await openPage(browser);
    const product = await openProduct({ onTestFinished });
    const gateway = await product.gateway();
    const outcome = await page.evaluate(
      (url) =>
        fetch(`${url}/graphql?query={__typename}`).then(
          ({ status }) => status,
          () => 'refused',
        ),
      gateway.url,
    );
    expect(outcome).toBe('refused');
    expect(gateway.process.output()).toContain('ALLOWED_ORIGINS');
  });
});
