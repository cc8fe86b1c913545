import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { expect, test } from 'vitest';
import { readDocsPage } from '../../support/docs-page.ts';
import { listen } from '../../support/listen.ts';
import { tempFolder } from '../../support/process.ts';
import { onlySimulator, openProduct } from '../../support/product.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };
const INDEX = '<div id="root"></div><script type="module" src="/src/main.tsx"></script>';
const CONFIG = 'vite.config.ts';

test.for(['event-source.md', 'graphql-sse.md', 'apollo.md', 'urql.md', 'relay.md'])(
  'the app of docs/%s draws a picture from another origin, through a path that goes silent',
  {
    timeout: 300_000,
  },
  async (name, context) => {
    const page = readDocsPage(name);
    // `npm test` brings it where it may install a program, as in CI: nothing is left out there.
    context.skip(!existsSync(CHROMIUM), 'needs Chromium');
    const folder = await tempFolder();
    context.onTestFinished(folder.remove);
    let site = '';
    const origin = await listen(async (req, res) => {
      const path = req.url === '/' ? '/index.html' : (req.url ?? '');
      res.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
      res.end(await readFile(join(site, path)).catch(() => ''));
    });
    const product = await openProduct(context);
    const gateway = await product.both({ ALLOWED_ORIGINS: origin });
    const proxy = await startTcpProxy(gateway.port);
    context.onTestFinished(() => proxy.close());
    const { faults } = onlySimulator(product);
    faults.set({ holdAt: 'VAEDecode' });

    site = page.follow(folder.path, `http://127.0.0.1:${proxy.port}`);
    if (existsSync(join(site, 'src'))) {
      if (!existsSync(join(site, 'index.html'))) await writeFile(join(site, 'index.html'), INDEX);
      const configFile = existsSync(join(site, CONFIG)) && join(site, CONFIG);
      await build({ root: site, configFile, logLevel: 'error' });
      site = join(site, 'dist');
    }
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    context.onTestFinished(() => browser.close());
    const tab = await browser.newPage();
    tab.setDefaultTimeout(60_000);
    await tab.goto(origin);
    await tab.locator('button').click({ delay: 150 });
    const status = tab.locator('output');
    const progress = status.filter({ hasText: /[1-9]\d? %/ });
    await progress.waitFor();

    // Every byte is swallowed; then the path is new, and what was open stays dead.
    proxy.blackHole(true);
    if (name !== 'event-source.md') await tab.getByRole('alert').waitFor();
    proxy.strand();
    proxy.blackHole(false);
    faults.reset();
    await status.filter({ hasText: 'SUCCEEDED 100 %' }).waitFor();
    const image = tab.locator('img');
    await image.waitFor();
    await expect.poll(() => image.evaluate((shown) => Reflect.get(shown, 'naturalWidth'))).toBe(512);
    expect(await tab.getByRole('alert').count()).toBe(0);
  },
);
