import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { rolldown } from 'rolldown';
import { beforeAll, describe, expect, test } from 'vitest';
import { packClient } from '../../support/client-package.ts';
import { disposals } from '../../support/disposals.ts';
import { readDocsPage } from '../../support/docs-page.ts';
import { findProgram } from '../../support/find-program.ts';
import { freePort } from '../../support/free-port.ts';
import { startProgram } from '../../support/process.ts';
import { openProduct } from '../../support/product.ts';
import { buildApp, openSite, type Site } from '../../support/site.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..', '..');

/** `npm test` installs it: the folder with the runtimes in its node_modules. */
const RUNTIMES = process.env.RUNTIMES_BIN ?? '';
const CHROMIUM = findProgram('chromium') ?? '';
const system = `node-${process.platform}-${process.arch}`;
const NODE_20 = join(RUNTIMES, 'node_modules', system, 'bin', 'node');
const NODE_24 = process.execPath;
const TSC = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** What client/test/runtimes/program.js gives back, wherever it runs. */
const EXPECTED = {
  sizes: [
    [64, 64],
    [64, 64],
  ],
  hasProgress: true,
  isWhole: true,
  fields: ['width'],
  reason: 'AbortError',
  end: 'CANCELED',
  state: 'online',
};

describe.skipIf(!RUNTIMES || !CHROMIUM)('the package of the client', { timeout: 600_000 }, () => {
  const lifetime = disposals();
  let url: string;
  /** The programs of client/test/runtimes, with the package as npm installs it. */
  let app: string;
  let site: Site;
  let browser: Browser;

  beforeAll(async () => {
    // Below it, since Next and miniflare are found there.
    app = await mkdtemp(join(RUNTIMES, 'app-'));
    lifetime.onTestFinished(() => rm(app, { recursive: true }));
    await cp(join(root, 'client', 'test', 'runtimes'), app, { recursive: true });
    await packClient(join(app, 'node_modules'));
    const product = await openProduct(lifetime, { speed: 20 });
    // As `npm start` does: pages of this machine may call.
    const { port } = await product.both();
    url = `http://127.0.0.1:${port}`;
    site = await openSite(lifetime);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    lifetime.onTestFinished(() => browser.close());
  }, 300_000);

  async function outputOf(program: string, args: string[]) {
    const { stdout } = await run(program, args, { cwd: app, timeout: 240_000 });
    return JSON.parse(stdout);
  }

  /** The page has put what it runs at `window.run`. */
  async function resultOfPage(address: string) {
    const page = await browser.newPage();
    await page.goto(address);
    await page.waitForFunction('window.run', undefined, { timeout: 240_000 });
    return page.evaluate((url) => Reflect.get(window, 'run')(url), url);
  }

  test.for([
    ['Node 20', NODE_20, ['node.js']],
    ['Node 24', NODE_24, ['node.js']],
    ['CommonJS in Node 20', NODE_20, ['require.cjs']],
    ['CommonJS in Node 24', NODE_24, ['require.cjs']],
    [
      'Deno',
      join(RUNTIMES, 'node_modules', '.bin', 'deno'),
      ['run', '--allow-all', '--node-modules-dir=manual', 'node.js'],
    ],
    ['Bun', join(RUNTIMES, 'node_modules', '.bin', 'bun'), ['node.js']],
  ] as const)('works in %s', async ([, program, args]) => {
    expect(await outputOf(program, [...args, url])).toEqual(EXPECTED);
  });

  test('works in a worker of Cloudflare', async () => {
    const bundle = await rolldown({ cwd: app, input: 'worker.js', platform: 'browser' });
    await bundle.write({ file: join(app, 'bundle.mjs') });
    await bundle.close();
    expect(await outputOf(NODE_24, ['miniflare.js', 'bundle.mjs', url])).toEqual(EXPECTED);
  });

  test('works in Chromium without a bundler', async () => {
    site.show(app);
    expect(await resultOfPage(`${site.origin}/page.html`)).toEqual(EXPECTED);
  });

  test('works in an app of Vite, with the types of the gateway', async () => {
    const cli = join(app, 'node_modules', '@comfygate', 'client', 'dist', 'cli', 'main.js');
    await run(NODE_20, [cli, 'types', url, '--out', join(app, 'vite', 'src', 'comfy.d.ts')]);
    await run(NODE_24, [TSC, '-p', join(app, 'vite')]);
    site.show(await buildApp(join(app, 'vite')));
    expect(await resultOfPage(site.origin)).toEqual(EXPECTED);
  });

  test('draws a picture in the page that its README makes', async () => {
    const main = readDocsPage('../client/README.md').files.find(({ path }) => path === 'src/main.ts');
    const text = (main?.content ?? '').replaceAll('http://127.0.0.1:4000', url);
    await writeFile(join(app, 'vite', 'src', 'main.ts'), text);
    await run(NODE_24, [TSC, '-p', join(app, 'vite')]);
    site.show(await buildApp(join(app, 'vite')));
    const page = await browser.newPage();
    await page.goto(site.origin);
    await page.getByRole('button').click();
    const picture = page.locator('img[src^="http"]');
    await picture.waitFor();
    await expect.poll(() => picture.evaluate((shown) => Reflect.get(shown, 'naturalWidth'))).toBe(512);
    expect(await page.locator('progress').evaluate((bar) => Reflect.get(bar, 'value'))).toBe(1);
  });

  test('works in Next, on the server and in its page', async () => {
    const next = join(RUNTIMES, 'node_modules', 'next', 'dist', 'bin', 'next');
    const folder = join(app, 'next');
    const env = { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' };
    await run(NODE_24, [next, 'build', folder], { env, timeout: 480_000 });
    const port = await freePort();
    const address = `http://127.0.0.1:${port}`;
    const server = startProgram(NODE_24, [next, 'start', folder, '-p', String(port), '-H', '127.0.0.1'], env);
    try {
      await server.until('Ready', 120_000);
      const answer = await fetch(`${address}/api?${new URLSearchParams({ url })}`);
      expect(await answer.json()).toEqual(EXPECTED);
      expect(await resultOfPage(address)).toEqual(EXPECTED);
    } finally {
      await server.stop();
    }
  });
});
