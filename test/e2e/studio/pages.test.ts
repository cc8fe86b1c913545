import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { Scope } from '../../../src/callers/identity.ts';
import { keyHeaders } from '../../support/api-keys.ts';
import { disposals } from '../../support/disposals.ts';
import { freePort } from '../../support/free-port.ts';
import { createGatewayClient, type GatewayClient } from '../../support/gateway-client.ts';
import { newJob, openStores } from '../../support/gateway-store.ts';
import type { ProductProcess } from '../../support/process.ts';
import { onlySimulator, openProduct, type Product } from '../../support/product.ts';
import { buildStudio, expectAccessible } from '../../support/studio.ts';

const CHROMIUM = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';
const run = promisify(execFile);
const MANY = 2_000;
const AT_ONCE = 20;

describe.skipIf(!existsSync(CHROMIUM))('the pages of the studio', { timeout: 240_000 }, () => {
  const lifetime = disposals();
  let product: Product;
  let gateway: GatewayClient;
  let running: ProductProcess;
  let startGateway: () => Promise<void>;
  let browser: Browser;
  /** Of the caller of most tests, who may do everything. */
  let key: string;
  let page: Page;

  beforeAll(async () => {
    buildStudio();
    // One job at a time, of steps that can be looked at.
    product = await openProduct(lifetime, { speed: 0.5, env: { BACKEND_DEPTH: '1', AUTH: 'keys' } });
    key = await newKey('internal', ['admin', 'workflow:custom']);
    const port = String(await freePort());
    startGateway = async () => {
      running = (await product.gateway({ PORT: port })).process;
    };
    await Promise.all([startGateway(), product.worker()]);
    gateway = createGatewayClient(`http://127.0.0.1:${port}`, product.texts, { apiKey: key });
    lifetime.onTestFinished(() => gateway.close());
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    lifetime.onTestFinished(() => browser.close());
  }, 240_000);

  async function newKey(plan: string, more: Scope[] = []) {
    return (await keyHeaders(product, 'acme', plan, more)).authorization.slice('Bearer '.length);
  }
  async function open(path: string, options: BrowserContextOptions = {}, as: string | null = key) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    if (as) await context.addInitScript((entered) => sessionStorage.setItem('comfygate-key', entered), as);
    const tab = await context.newPage();
    tab.setDefaultTimeout(60_000);
    await tab.goto(gateway.url + path);
    return tab;
  }
  beforeEach(async (context) => {
    page = await open('/now');
    context.onTestFinished(async () => {
      onlySimulator(product).faults.reset();
      await Promise.all(browser.contexts().map((each) => each.close()));
    });
  });

  const make = (prompt: string, parameters = {}, input = {}) =>
    gateway.generate({ parameters: { prompt, ...parameters }, input });
  async function made(prompt: string, parameters = {}, input = {}) {
    const { id } = await make(prompt, parameters, input);
    return (await gateway.watch(id).end(60_000)).job;
  }
  const job = (text: string) => page.getByRole('listitem').filter({ hasText: text });
  /** For a moment there may be two: its card moves from those under way to those that ended. */
  const pictureOf = (prompt: string) =>
    job(prompt)
      .getByRole('img', { name: new RegExp(`^${prompt}`) })
      .first();
  const tile = (prompt: string, tab = page) => tab.locator(`a[data-tile][title="${prompt}"]`);
  const go = (name: string) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
  const choose = async (field: string, value: string) => {
    await page.getByRole('search').getByLabel(field).first().click();
    await page.getByRole('option', { name: value, exact: true }).click();
  };

  test('Now shows the place, step and preview of jobs, cancels one, and shows results as they come', async () => {
    const { faults } = onlySimulator(product);
    await make('a harbour', { steps: 150, width: 512, height: 512 });
    await make('a hill');
    await make('a mill');
    await job('a harbour')
      .getByText(/step \d+ of 150/)
      .waitFor();
    await job('a harbour').getByRole('img', { name: 'As it is so far' }).waitFor();
    faults.set({ hold: true });
    await job('a hill').getByText('Begins next').waitFor();
    await job('a mill').getByText('1 job before it').waitFor();
    await expectAccessible(page, 'Now');

    await job('a hill').getByRole('button', { name: 'Cancel' }).click();
    await job('a hill').getByText('Canceled').waitFor();
    await job('a mill').getByText('Begins next').waitFor();
    faults.reset();
    await pictureOf('a mill').waitFor();
    await pictureOf('a harbour').waitFor();
    await page.getByText('Nothing is under way').waitFor();
  });

  test('what went wrong is said in words, and the job runs again', async () => {
    onlySimulator(product).faults.set({ nodeError: { kind: 'exception', message: 'Sizes do not match', times: 1 } });
    await make('a bridge');
    await job('a bridge').getByText('Sizes do not match').waitFor();
    await job('a bridge').getByText('Other parameters may do').waitFor();
    await job('a bridge').getByRole('button', { name: 'Again' }).click();
    await pictureOf('a bridge').waitFor();
  });

  test('the gallery follows its address, and shows new results and what other tabs delete at once', async () => {
    await made('a field', {}, { tags: ['summer'] });
    await made('a wood');
    await go('Gallery');
    await tile('a wood').waitFor();
    await tile('a field').waitFor();

    await page.getByLabel('Tag').fill('summer');
    await tile('a wood').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?tag=summer');
    const other = await page.context().newPage();
    await other.goto(page.url());
    await tile('a field', other).waitFor();
    await make('a meadow', {}, { tags: ['summer'] });
    await tile('a meadow').waitFor();
    await tile('a meadow', other).waitFor();
    expect(await tile('a wood', other).count()).toBe(0);

    await tile('a meadow').click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page
      .getByRole('dialog', { name: 'Delete 1 job with 1 result?' })
      .getByRole('button', { name: 'Delete' })
      .click();
    await tile('a meadow', other).waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await tile('a meadow').count()).toBe(0);
    await tile('a field').waitFor();

    await page.getByRole('button', { name: 'Clear' }).click();
    await choose('Status', 'Canceled');
    await page.waitForURL('**/gallery?status=canceled');
    await choose('Workflow', 'Upscale');
    await page.getByText('Nothing fits this filter').waitFor();
    await page.getByRole('button', { name: 'Show all that is done' }).click();
    await tile('a wood').waitFor();
  });

  test('each kind of result is shown in full, and the keyboard leads from one to the next', async () => {
    const graph: unknown = JSON.parse(await readFile('test/comfyui/recorded/workflows/10_save_text_file.json', 'utf8'));
    const small = { steps: 1, width: 64, height: 64 };
    const workflows = [
      { textToAudio: { prompt: 'a song', seconds: 1, steps: 1 } },
      { textToVideo: { prompt: 'a storm', length: 5, ...small } },
      { custom: { graph } },
    ];
    for (const workflow of workflows) {
      const input = { idempotencyKey: randomUUID(), waitSeconds: 60, workflow };
      await gateway.post('mutation M($input: GenerateInput!) { generate(input: $input) { job { id } } }', { input });
    }
    const picture = await made('a still', { width: 512, height: 384 });
    await go('Gallery');
    await tile('a still').focus();
    await page.keyboard.press('Enter');
    const view = page.getByRole('dialog', { name: 'Text to image' });
    const image = view.getByRole('img', { name: /^a still/ });
    await expect.poll(() => image.evaluate((shown) => Reflect.get(shown, 'naturalWidth'))).toBe(512);
    await expectAccessible(page, 'the full view');

    const scale = () => image.evaluate((shown) => new DOMMatrix(getComputedStyle(shown).transform).a);
    await view.getByRole('group', { name: /^Picture/ }).press('+');
    await expect.poll(scale).toBeCloseTo(1.4);
    await page.keyboard.press('0');
    await expect.poll(scale).toBe(1);

    const saved = page.waitForEvent('download');
    await view.getByRole('button', { name: 'Download' }).click();
    const [artifact] = picture.artifacts;
    expect((await saved).suggestedFilename()).toBe(artifact?.filename);
    expect((await readFile(await (await saved).path())).length).toBe(artifact?.size);

    await view.getByRole('button', { name: 'Older' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('dialog').getByText('"a": 1').waitFor();
    await page.keyboard.press('ArrowRight');
    const film = page.getByRole('dialog', { name: 'Text to video' }).locator('video');
    await expect.poll(() => film.evaluate((shown) => Reflect.get(shown, 'videoWidth'))).toBe(64);
    await page.getByRole('button', { name: 'Older' }).click();
    const sound = page.getByRole('dialog', { name: 'Text to audio' }).locator('audio');
    await expect.poll(() => sound.evaluate((shown) => Reflect.get(shown, 'duration'))).toBeGreaterThan(0.5);
    await page.keyboard.press('Escape');
    await tile('a still').waitFor();
    expect(new URL(page.url()).pathname).toBe('/gallery');
  });

  test('two are compared, several are downloaded in one file, and one is varied or an input of another', async () => {
    const one = await made('one vase', { seed: 1 });
    const other = await made('other vase', { seed: 2 });
    await go('Gallery');
    await page.getByRole('button', { name: 'Choose' }).click();
    for (const name of [/^one vase/, /^other vase/]) await page.getByRole('button', { name }).click();
    await page.getByRole('button', { name: 'Compare' }).click();
    const comparison = page.getByRole('dialog', { name: 'Compare' });
    await comparison.getByText('seed 1', { exact: true }).waitFor();
    await comparison.getByRole('group').first().press('+');
    const transforms = () =>
      comparison.getByRole('img').evaluateAll((shown) => shown.map((each) => getComputedStyle(each).transform));
    await expect.poll(async () => new Set(await transforms()).size).toBe(1);
    expect((await transforms())[0]).toMatch(/^matrix\(1\.4/);
    await comparison.getByRole('button', { name: 'One over the other' }).click();
    await expectAccessible(page, 'the comparison');
    await page.keyboard.press('Escape');

    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const archive = await readFile(await (await saved).path());
    for (const { artifacts } of [one, other]) {
      const [{ url, filename } = { url: '', filename: '' }] = artifacts;
      expect(archive.includes(Buffer.from(await (await fetch(url)).arrayBuffer()))).toBe(true);
      expect(archive.includes(filename)).toBe(true);
    }
    await page.getByRole('button', { name: 'Done', exact: true }).click();

    await tile('other vase').click();
    await page.getByRole('button', { name: 'Vary' }).click();
    await page.getByText('A variation is on its way').waitFor();
    const last = 'query { jobs(first: 1) { nodes { id parameters } } }';
    const schema = z.object({
      jobs: z.object({ nodes: z.tuple([z.object({ id: z.string(), parameters: z.any() })]) }),
    });
    const { jobs } = await gateway.ask(schema, last);
    expect(jobs.nodes[0].parameters).toMatchObject({ prompt: 'other vase', width: 64 });
    expect(jobs.nodes[0].parameters.seed).not.toBe(2);

    await page.getByRole('button', { name: 'Use as input' }).click();
    await page.getByRole('menuitem', { name: 'Upscale' }).click();
    await page.waitForURL('**/make/upscale#*');
    expect(decodeURIComponent(new URL(page.url()).hash)).toMatch(/image=:\{"artifact":"[^"]+"\}/);
  });

  test('an action as code runs in a shell and in Node', async () => {
    const { id } = await made('a clock');
    await page.goto(`${gateway.url}/gallery/${id}`);
    await page.getByRole('button', { name: 'As code' }).click();
    const dialog = page.getByRole('dialog', { name: 'As code' });
    await dialog.getByRole('combobox', { name: 'Action' }).click();
    await page.getByRole('option', { name: 'Again' }).click();
    await expectAccessible(page, 'as code');

    await dialog.getByRole('tab', { name: 'curl' }).click();
    const env = { ...process.env, COMFYGATE_KEY: key };
    const line = await dialog.getByRole('tabpanel').locator('pre').innerText();
    const answer = JSON.parse((await run('sh', ['-c', line], { env })).stdout);
    expect(answer.data.retryJob.job).toMatchObject({ retryOf: id });

    await dialog.getByRole('tab', { name: 'JavaScript' }).click();
    const module = await dialog.getByRole('tabpanel').locator('pre').innerText();
    const given = ['--conditions=comfygate-source', '--input-type=module', '-e', `${module}console.log(job.retryOf);`];
    expect((await run(process.execPath, given, { env })).stdout.trim()).toBe(id);
  });

  test('while the gateway is away the page says so, and goes on by itself', async () => {
    onlySimulator(product).faults.set({ holdAt: 'KSampler' });
    await make('a tower');
    await job('a tower').getByText(/%/).waitFor();
    await running.stop();
    await page.getByText('The gateway cannot be reached at the moment').waitFor();
    await startGateway();
    await page.getByText('The gateway cannot be reached at the moment').waitFor({ state: 'detached' });
    onlySimulator(product).faults.reset();
    await pictureOf('a tower').waitFor();
    await make('a castle');
    await pictureOf('a castle').waitFor();
  });

  test('a server is drained and resumed, and another tab sees it', async () => {
    await go('Servers');
    const server = (tab = page) => tab.getByRole('listitem', { name: 'comfy1' });
    await server().getByText('Up', { exact: true }).waitFor();
    await expectAccessible(page, 'Servers');
    const other = await page.context().newPage();
    await other.goto(page.url());
    await server().getByRole('button', { name: 'Drain' }).click();
    await server().getByText('Draining', { exact: true }).waitFor();
    await server(other).getByText('Draining', { exact: true }).waitFor();
    await server().getByRole('button', { name: 'Resume' }).click();
    await server().getByText('Up', { exact: true }).waitFor();
  });

  test('a key is asked for once, and not again by each page for who does not want to give one', async () => {
    page = await open('/now', {}, null);
    const dialog = page.getByRole('dialog', { name: 'Who is there?' });
    await dialog.getByRole('button', { name: 'Not now' }).click();
    for (const name of ['Gallery', 'Servers', 'Make', 'Now']) {
      await go(name);
      await page.waitForLoadState('networkidle');
      await page
        .getByText(/credentials/)
        .first()
        .waitFor();
      expect(await dialog.count(), name).toBe(0);
    }
    await go('Account');
    await page.getByRole('button', { name: 'Use a key' }).click();
    await dialog.waitFor();
  });

  test('the account tells who calls with a key and what is left, and forgets the key', async () => {
    const entered = await newKey('free');
    page = await open('/account', {}, null);
    await page.getByLabel('API key').fill(entered);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('meter', { name: 'Requests a minute' }).waitFor();
    await page.getByText('60 of 60 left').waitFor();
    expect(await page.locator('body').innerText()).not.toContain(entered);
    await expectAccessible(page, 'Account');
    await page.getByRole('button', { name: 'As code' }).click();
    await page.getByRole('tab', { name: 'curl' }).click();
    expect(await page.getByRole('tabpanel').innerText()).not.toContain(entered);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Forget it' }).click();
    await page.getByLabel('API key').waitFor();
    expect(await page.evaluate(() => [sessionStorage.length, localStorage.length])).toEqual([0, 0]);
  });

  test('every page is for everybody, on a phone and in the dark', async () => {
    await made('a phone');
    page = await open('/now', { viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    for (const name of ['Now', 'Gallery', 'Servers', 'Account']) {
      await go(name);
      await page.getByRole('heading', { level: 1, name }).waitFor();
      await page.waitForLoadState('networkidle');
      await expectAccessible(page, `${name}, 360 px wide`);
      const { scrollWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth }));
      expect(scrollWidth, name).toBeLessThanOrEqual(360);
    }
  });

  test(`a gallery of ${MANY} jobs is scrolled to its end with few elements`, async () => {
    const stores = await openStores(product.redis.url, { keys: product.keys });
    lifetime.onTestFinished(() => stores.close());
    for (let i = 0; i < MANY; i += AT_ONCE) {
      await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, k) => {
          const accepted = newJob({ caller: 'acme', parameters: { prompt: `number ${i + k}` }, tags: ['many'] });
          await stores.gateway.accept(accepted);
          await stores.gateway.requestCancel(accepted.id);
        }),
      );
    }
    await page.goto(`${gateway.url}/gallery?status=canceled&tag=many`);
    let most = 0;
    const atEnd = page.locator('a[data-tile]').last();
    await atEnd.waitFor();
    await expect
      .poll(
        async () => {
          await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
          most = Math.max(most, await page.locator('*').count());
          return page.locator('a[data-tile]').evaluateAll((shown) => shown.at(-1)?.getAttribute('title'));
        },
        { timeout: 120_000, interval: 100 },
      )
      .toMatch(/^number \d\d?$/);
    expect(most).toBeLessThan(2_000);
  });
});
