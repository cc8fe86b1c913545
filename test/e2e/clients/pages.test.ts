import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { build } from 'vite';
import { beforeAll, describe, expect, test } from 'vitest';
import { listen } from '../../../src/http/listen.ts';
import { disposals } from '../../support/disposals.ts';
import { readDocsPage } from '../../support/docs-page.ts';
import { freePort } from '../../support/free-port.ts';
import { tempFolder } from '../../support/process.ts';
import { type Gateway, onlySimulator, openProduct, type Product } from '../../support/product.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };
const INDEX = '<div id="root"></div><script type="module" src="/src/main.tsx"></script>';
const CONFIG = 'vite.config.ts';

/** The app of a page of docs/ as a browser gets it: as it is, or built where it has something to build. */
async function builtApp(name: string, folder: string, gateway: string): Promise<string> {
  const app = readDocsPage(name).follow(folder, gateway);
  if (!existsSync(join(app, 'src/main.ts')) && !existsSync(join(app, 'src/main.tsx'))) return app;
  if (!existsSync(join(app, 'index.html'))) await writeFile(join(app, 'index.html'), INDEX);
  const configFile = existsSync(join(app, CONFIG)) && join(app, CONFIG);
  await build({ root: app, configFile, logLevel: 'error' });
  return join(app, 'dist');
}

// `npm test` brings it where it may install a program, as in CI: nothing is left out there.
describe.skipIf(!existsSync(CHROMIUM))('the app of a page of docs/, from another origin', { timeout: 300_000 }, () => {
  const lifetime = disposals();
  let browser: Browser;
  let product: Product;
  let gateway: Gateway;
  let proxy: TcpProxy;
  let restartGateway: () => Promise<void>;
  let origin: string;
  let site = '';

  beforeAll(async () => {
    const server = createServer(async (req, res) => {
      const path = req.url === '/' ? '/index.html' : (req.url ?? '');
      res.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
      res.setHeader('cache-control', 'no-store');
      res.end(await readFile(join(site, path)).catch(() => ''));
    });
    origin = (await listen(server, { host: '127.0.0.1', port: 0 })).url;
    lifetime.onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
    });
    product = await openProduct(lifetime);
    await product.worker();
    const start = () => product.gateway({ ALLOWED_ORIGINS: origin, PORT: port });
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

  test.for(['event-source.md', 'graphql-sse.md', 'apollo.md', 'urql.md', 'relay.md'])(
    '%s: draws a picture through a path that goes silent, a restart of the gateway, and an outage',
    async (name, context) => {
      const folder = await tempFolder();
      context.onTestFinished(folder.remove);
      site = await builtApp(name, folder.path, `http://127.0.0.1:${proxy.port}`);
      const { faults } = onlySimulator(product);
      faults.set({ holdAt: 'KSampler' });
      const tab = await browser.newPage();
      context.onTestFinished(() => tab.close());
      tab.setDefaultTimeout(60_000);
      await tab.goto(origin);
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
