import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createKeyOperator } from '../../../src/callers/keys.ts';
import { createRedisKeys } from '../../../src/callers/redis/redis-keys.ts';
import { defaultScopes } from '../../../src/callers/scopes.ts';
import { createSeal } from '../../../src/job-record/seal.ts';
import { disposals } from '../../support/disposals.ts';
import { addLogin, readDocsPage } from '../../support/docs-page.ts';
import { freePort } from '../../support/free-port.ts';
import { type Heard, hearSockets, hearStreams, seqsOf } from '../../support/heard.ts';
import { type Issuer, startIssuer } from '../../support/issuer.ts';
import { type ProductProcess, startScript, tempFolder } from '../../support/process.ts';
import { eventually, type Gateway, openProduct, type Product } from '../../support/product.ts';
import { buildApp, openSite, type Site } from '../../support/site.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const WAIT_MS = 60_000;

// `npm test` brings it where it may install a program, as in CI: nothing is left out there.
describe.skipIf(!existsSync(CHROMIUM))('a page of a caller, from another origin', { timeout: 300_000 }, () => {
  const lifetime = disposals();
  /** What the login of the pages does, and when the last token that it gave ends, in milliseconds since 1970. */
  const login = { away: false, lifeSeconds: 0, lastEndsAt: 0 };
  let browser: Browser;
  let product: Product;
  let gateway: Gateway;
  let issuer: Issuer;
  let sites: Site[];
  let ownPort: number;

  beforeAll(async () => {
    issuer = await startIssuer(lifetime);
    await issuer.addKey('1');
    const openApp = (sub: string) =>
      openSite(lifetime, ({ url }, res) => {
        if (url !== '/token') return false;
        const exp = Math.ceil(Date.now() / 1_000) + login.lifeSeconds;
        if (login.away) return Boolean(res.writeHead(503).end());
        login.lastEndsAt = exp * 1_000;
        void issuer.token('1', { sub, exp }).then((token) => res.end(token));
        return true;
      });
    sites = [await openApp('ada'), await openApp('grace')];
    ownPort = await freePort();
    const origins = [...sites.map(({ origin }) => origin), `http://127.0.0.1:${ownPort}`];
    product = await openProduct(lifetime, { simulators: 2 });
    const auth = { AUTH: 'keys,jwt', JWT_ISSUER: issuer.url, JWT_AUDIENCE: 'comfygate', JWT_CLOCK_SKEW: '0' };
    [gateway] = await Promise.all([
      product.gateway({ ...auth, ALLOWED_ORIGINS: origins.join(',') }),
      // One job for each server, so that both are under way.
      product.worker({ BACKEND_DEPTH: '1' }),
      chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }).then((launched) => {
        browser = launched;
      }),
    ]);
    lifetime.onTestFinished(() => browser.close());
  }, 240_000);

  function holdAt(classType: string | null) {
    for (const { faults } of product.simulators) faults.set({ holdAt: classType });
  }

  /** Waits until something has happened to the job that the page has not heard of. */
  async function happensUnheard(heard: Heard) {
    const after = Number(seqsOf(heard).at(-1));
    const happened = async () =>
      (await product.admin.xlen(product.keys.events(heard.jobId ?? ''))) > 0 &&
      Number(await product.admin.hget(product.keys.job(heard.jobId ?? ''), 'seq')) > after;
    await eventually(happened, 'the job goes on', WAIT_MS);
    return after;
  }

  async function showsPicture(tab: Page) {
    await tab.locator('output').filter({ hasText: 'SUCCEEDED 100 %' }).waitFor();
    const image = tab.locator('img');
    await image.waitFor();
    await expect.poll(() => image.evaluate((shown) => Reflect.get(shown, 'naturalWidth'))).toBe(512);
  }

  /** Everything was heard once and in order, and `after` and what came next, although the page was away in between. */
  function expectAllHeard(heard: Heard, after: number) {
    const seqs = seqsOf(heard);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    expect(seqs[seqs.indexOf(after) + 1]).toBe(after + 1);
    const types = heard.events.map(({ type }) => type);
    expect(types.filter((type) => type === 'SNAPSHOT')).toHaveLength(1);
    expect(types.at(-1)).toBe('SUCCEEDED');
  }

  test('with Apollo and with urql: its token ends while it watches, and the next is taken in time', async () => {
    login.lifeSeconds = 8;
    holdAt('KSampler');
    const folder = await tempFolder();
    onTestFinished(folder.remove);
    const pages = await Promise.all(
      ['apollo.md', 'urql.md'].map(async (name, i) => {
        const app = readDocsPage(name).follow(join(folder.path, name), gateway.url);
        addLogin(app, gateway.url);
        sites[i]?.show(await buildApp(app));
        const tab = await browser.newPage();
        onTestFinished(() => tab.close());
        tab.setDefaultTimeout(WAIT_MS);
        const heard = hearSockets(tab);
        await tab.goto(sites[i]?.origin ?? '');
        await tab.locator('button').click({ delay: 150 });
        await eventually(() => heard.events.length > 0, 'the page watches', WAIT_MS);
        return { tab, heard };
      }),
    );
    const all = <T>(each: (page: (typeof pages)[number]) => Promise<T>) => Promise.all(pages.map(each));

    // The login is away until the token has ended, and the job goes on meanwhile.
    login.away = true;
    await all(({ tab }) => tab.getByRole('alert').waitFor());
    holdAt('VAEDecode');
    const afters = await all(({ heard }) => happensUnheard(heard));
    login.lifeSeconds = 14;
    login.away = false;
    await all(({ tab, heard }) => {
      const { length } = heard.events;
      const resumed = eventually(() => heard.events.length > length, 'the page goes on', WAIT_MS);
      return Promise.all([resumed, tab.getByRole('alert').waitFor({ state: 'detached' })]);
    });

    // From now on the login answers in time.
    const { lastEndsAt } = login;
    login.lifeSeconds = 3_600;
    const before = pages.map(({ heard }) => ({ ...heard }));
    await eventually(() => Date.now() > lastEndsAt + 1_500, 'the tokens have ended', WAIT_MS, 100);
    holdAt(null);
    await all(({ tab }) => showsPicture(tab));
    for (const [i, { heard }] of pages.entries()) {
      expect(heard.connections).toBe(before[i]?.connections);
      expect(heard.renewals).toBeGreaterThan(Number(before[i]?.renewals));
      expectAllHeard(heard, Number(afters[i]));
    }
  });

  test('with EventSource and a server of its own: its watch token ends while it watches; it gets another', async () => {
    const folder = await tempFolder();
    onTestFinished(folder.remove);
    const app = readDocsPage('watch-tokens.md').follow(folder.path, gateway.url);
    const origin = `http://127.0.0.1:${ownPort}`;
    let server: ProductProcess | undefined;
    onTestFinished(async () => void (await server?.kill()));
    async function startServer(key: string) {
      server = startScript([join(app, 'server.mjs')], { GATEWAY_KEY: key, PORT: String(ownPort) });
      const answers = () =>
        fetch(origin).then(
          ({ ok }) => ok,
          () => false,
        );
      await eventually(answers, 'the server of the page answers', WAIT_MS);
    }
    const operator = createKeyOperator(createRedisKeys(product.admin, product.keys), createSeal('x'.repeat(32), 'x'));
    const request = { caller: 'shop', name: 'shop', plan: 'free', scopes: defaultScopes, signed: false, lifeMs: null };
    const first = await operator.create(request);
    await startServer(first.text);

    holdAt('KSampler');
    const tab = await browser.newPage();
    onTestFinished(() => tab.close());
    tab.setDefaultTimeout(WAIT_MS);
    const heard = await hearStreams(tab);
    await tab.goto(origin);
    const drawn = tab.waitForResponse('**/draw');
    await tab.locator('button').click({ delay: 150 });
    heard.jobId = (await (await drawn).json()).data.generate.job.id;
    await eventually(() => heard.events.length > 0, 'the page watches', WAIT_MS);

    // The key is changed: tokens that were made by the old one end with it.
    await server?.kill();
    const second = await operator.rotate(first.key.id, { overlapMs: 1_000 });
    await eventually(() => heard.errors.includes('UNAUTHENTICATED'), 'the token ends', WAIT_MS);
    holdAt('VAEDecode');
    const after = await happensUnheard(heard);
    await startServer(second.text);
    await eventually(() => Number(seqsOf(heard).at(-1)) > after, 'the page goes on', WAIT_MS);
    holdAt(null);
    await showsPicture(tab);
    expectAllHeard(heard, after);
    expect(heard.errors).toEqual(['UNAUTHENTICATED']);
  });
});
