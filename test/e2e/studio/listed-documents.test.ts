import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { openProduct } from '../../support/product.ts';
import { buildStudio } from '../../support/studio.ts';

const CHROMIUM = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';
const run = promisify(execFile);

test.skipIf(!existsSync(CHROMIUM))(
  'a gateway that executes listed documents only knows those of the studio',
  {
    timeout: 240_000,
  },
  async (context) => {
    buildStudio();
    const product = await openProduct(context, {
      env: { PERSISTED_ONLY: 'true', PERSISTED_DOCUMENTS: 'examples/generated/persisted-documents.json' },
    });
    const gateway = await product.both();
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    const refused: string[] = [];
    const look = (text: string) => text.includes('PERSISTED_QUERY') && refused.push(text);
    page.on('response', async (response) => {
      if (response.url().includes('/graphql')) look(await response.text().catch(() => ''));
    });
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => look(String(payload))));
    const go = (name: string) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();

    await page.goto(`${gateway.url}/make/textToImage`);
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('a gate');
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.getByRole('status').getByText('Done').waitFor();
    await page.getByRole('button', { name: 'As code' }).last().click();
    await page.getByRole('combobox', { name: 'Action' }).click();
    await page.getByRole('option', { name: 'Download' }).click();
    await page.getByRole('tab', { name: 'curl' }).click();
    const line = await page.getByRole('tabpanel').locator('pre').innerText();
    const { data } = JSON.parse((await run('sh', ['-c', line])).stdout);
    expect(data.job.artifacts).toHaveLength(1);
    await page.keyboard.press('Escape');

    await go('Servers');
    const server = page.getByRole('listitem', { name: 'comfy1' });
    await server.getByRole('button', { name: 'Drain' }).click();
    await server.getByRole('button', { name: 'Resume' }).click();
    await server.getByText('Up', { exact: true }).waitFor();
    await go('Now');
    await page.getByText('Nothing is under way').waitFor();
    await go('Account');
    await page.getByRole('heading', { name: 'What you may do' }).waitFor();
    await go('Gallery');
    await page.locator('a[data-tile][title="a gate"]').click();
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    await saved;
    await page.getByRole('button', { name: 'Delete' }).click();
    await page
      .getByRole('dialog', { name: /^Delete 1 job/ })
      .getByRole('button', { name: 'Delete' })
      .click();
    await page.locator('a[data-tile]').first().waitFor({ state: 'detached' });
    expect(refused).toEqual([]);

    const body = JSON.stringify({ query: '{ viewer { id } }' });
    const other = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(await other.text()).toContain('PERSISTED_QUERY_ONLY');
  },
);
