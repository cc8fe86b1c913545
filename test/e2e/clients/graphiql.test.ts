import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { onlySimulator, openProduct } from '../../support/product.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

test.skipIf(!existsSync(CHROMIUM))(
  "GraphiQL's example generates, its second tab watches to the end, and the picture opens in the browser",
  { timeout: 240_000 },
  async (context) => {
    const product = await openProduct(context);
    const { port } = await product.both();
    const { faults } = onlySimulator(product);
    // However long the browser takes to get there.
    faults.set({ holdAt: 'VAEDecode' });
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    context.onTestFinished(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(60_000);
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));

    await page.goto(`http://127.0.0.1:${port}/graphql`);
    await page.locator('.graphiql-execute-button').click();
    const result = page.locator('.result-window');
    await result.filter({ hasText: '"replayed": false' }).waitFor();
    await page.locator('#graphiql-session-tab-1').click();
    await page.locator('.graphiql-query-editor', { hasText: 'subscription' }).waitFor();
    await page.locator('.graphiql-execute-button').click();
    await result.filter({ hasText: 'PROGRESS' }).filter({ hasText: 'VAEDecode' }).waitFor();
    faults.reset();
    await result.filter({ hasText: 'SUCCEEDED' }).waitFor();
    const shots = process.env.SCREENSHOTS;
    if (shots) await page.screenshot({ path: `${shots}/graphiql.png` });

    // The editor draws only the lines in sight, so the address is asked for by a query of its own.
    const address = await page.evaluate(async () => {
      const query = '{ jobs(first: 1) { nodes { artifacts { url ... on ImageArtifact { width height } } } } }';
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) });
      return (await answer.json()).data.jobs.nodes[0].artifacts[0];
    });
    expect(address).toMatchObject({ width: 512, height: 512 });
    await page.goto(address.url);
    const size = await page
      .locator('img')
      .evaluate((image) => [Reflect.get(image, 'naturalWidth'), Reflect.get(image, 'naturalHeight')]);
    expect(size).toEqual([512, 512]);
    if (shots) await page.screenshot({ path: `${shots}/picture.png` });
    expect(complaints).toEqual([]);
  },
);
