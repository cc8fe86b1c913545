import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { disposals } from '../../support/disposals.ts';
import { readDocsPage } from '../../support/docs-page.ts';
import { freePort } from '../../support/free-port.ts';
import { tempFolder } from '../../support/process.ts';
import { type Gateway, onlySimulator, openProduct, type Product } from '../../support/product.ts';
import { buildApp, openSite, type Site } from '../../support/site.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

// `npm test` brings it where it may install a program, as in CI: nothing is left out there.
describe.skipIf(!existsSync(CHROMIUM))('the app of a page of docs/, from another origin', { timeout: 300_000 }, () => {
  const lifetime = disposals();
  let browser: Browser;
  let product: Product;
  let gateway: Gateway;
  let proxy: TcpProxy;
  let restartGateway: () => Promise<void>;
  let site: Site;

  beforeAll(async () => {
    site = await openSite(lifetime);
    product = await openProduct(lifetime);
    await product.worker();
    const start = () => product.gateway({ ALLOWED_ORIGINS: site.origin, PORT: port });
    const port = String(await freePort());
    gateway = await start();
    restartGateway = async () => {
      await gateway.process.stop();
      gateway = await start();
    };
    proxy = await startTcpProxy(Number(port));
    lifetime.onTestFinished(() => proxy.close());
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    lifetime.onTestFinished(() => browser.close());
  }, 240_000);

  test.for(['first-page.md', 'event-source.md', 'graphql-sse.md', 'apollo.md', 'urql.md', 'relay.md'])(
    '%s: draws a picture through a path that goes silent, a restart of the gateway, and an outage',
    async (name, context) => {
      const folder = await tempFolder();
      context.onTestFinished(folder.remove);
      site.show(await buildApp(readDocsPage(name).follow(folder.path, `http://127.0.0.1:${proxy.port}`)));
      const { faults } = onlySimulator(product);
      faults.set({ holdAt: 'KSampler' });
      const tab = await browser.newPage();
      context.onTestFinished(() => tab.close());
      tab.setDefaultTimeout(60_000);
      await tab.goto(site.origin);
      await tab.locator('button').click({ delay: 150 });
      const status = tab.locator('output');
      const percent = async () => Number(/(\d+) %/.exec(await status.innerText())?.[1] ?? -1);
      const saysLost = async () => {
        if (name === 'event-source.md') return;
        await tab.getByRole('alert').waitFor();
      };
      /** The job goes on to nodes of this class, and the page shows it. */
      async function showsHowItGoesOn(holdAt: string) {
        const before = await percent();
        faults.set({ holdAt });
        await expect.poll(percent, { timeout: 60_000 }).toBeGreaterThan(before);
        expect(await tab.getByRole('alert').count()).toBe(0);
      }
      await expect.poll(percent, { timeout: 60_000 }).toBeGreaterThanOrEqual(0);

      // Every byte is swallowed; then the path is new, and what was open stays dead.
      proxy.blackHole(true);
      await saysLost();
      proxy.strand();
      proxy.blackHole(false);
      await showsHowItGoesOn('VAEDecode');

      await restartGateway();
      await showsHowItGoesOn('SaveImage');

      await proxy.refuse();
      await saysLost();
      faults.reset();
      await proxy.accept();
      await status.filter({ hasText: 'SUCCEEDED 100 %' }).waitFor();
      const image = tab.locator('img');
      await image.waitFor();
      await expect.poll(() => image.evaluate((shown) => Reflect.get(shown, 'naturalWidth'))).toBe(512);
      expect(await tab.getByRole('alert').count()).toBe(0);
    },
  );
});
