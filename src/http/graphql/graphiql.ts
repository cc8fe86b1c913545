import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { DOCS_PATH } from '../docs/docs-pages.ts';
import { exampleTabs, lastJobScript } from './graphiql-example.ts';
import { connectionNotice, socketScript } from './graphiql-socket.ts';

interface Page {
  etag: string;
  plain: Buffer;
  zipped: Buffer;
  policy: string;
}

/** Whether it is a browser's request for the page, rather than a client's for data. */
export function acceptsPage(req: IncomingMessage): boolean {
  return req.method === 'GET' && (req.headers.accept ?? '').includes('text/html');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** The page's own scripts by their hashes; everything else it needs is within it. */
function contentPolicy(html: string): string {
  const hashes = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${sha256(script)}'`,
  );
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ')}`,
    // Monaco writes style elements and attributes as it goes.
    "style-src 'unsafe-inline'",
    'font-src data:',
    "img-src 'self' data: blob: http: https:",
    'worker-src blob:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/**
 * Tabs that are there from the start keep an offset of their first animation, which GraphiQL shows only while a tab has
 * the focus: a press on one would move it away from under the pointer, and the click would go nowhere. On a phone the
 * answer stands below the query, each as wide as the screen.
 */
const style = `<meta name="viewport" content="width=device-width, initial-scale=1" /><style>
  .graphiql-tab { transform: none !important; }
  #connection-lost {
    position: fixed; z-index: 1000; bottom: 0; left: 0; right: 0; margin: 0; padding: 8px;
    background: #a4133c; color: #fff; font: 14px sans-serif; text-align: center;
  }
  #connection-lost[hidden] { display: none; }
  #docs-link { position: fixed; z-index: 10; left: 18px; top: 122px; color: #3b4b68b0; }
  #docs-link:hover { color: #3b4b68; }
  @media (prefers-color-scheme: dark) { #docs-link { color: #b7c2d7b0; } #docs-link:hover { color: #b7c2d7; } }
  @media (max-width: 700px) {
    #graphiql-session { flex-direction: column !important; }
    .graphiql-editors { min-height: 55%; width: 100%; }
    .graphiql-response { min-height: 0; flex: 1; }
    .graphiql-horizontal-drag-bar, .graphiql-logo { display: none !important; }
  }
</style>`;

/** Below the buttons of GraphiQL's own. */
const docsLink =
  `<a id="docs-link" href="${DOCS_PATH}" target="_blank" rel="noopener" title="Documentation" ` +
  'aria-label="Documentation"><svg width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" ' +
  'stroke-width="1.5"><circle cx="12" cy="12" r="9.5"/><path d="M9 9.5a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 1.8v.5"/>' +
  '<circle cx="12" cy="17.3" r=".6" fill="currentColor"/></svg></a>';

/** A picture frame. */
const logo =
  '<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28" viewBox="0 0 28 28">' +
  '<rect x="2" y="4" width="24" height="20" rx="3" fill="none" stroke="#d60590" stroke-width="2.5"/>' +
  '<circle cx="9.5" cy="11" r="2.5" fill="#d60590"/><path d="M4 21l7-6 4 3 6-7 4 5v5z" fill="#d60590"/></svg>';

async function render(): Promise<Page> {
  // 9 MB of text: loaded when the page is first asked for, which on a production gateway may be never.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const rendered = renderGraphiQL({
    title: 'comfygate',
    endpoint: '/graphql',
    logo,
    favicon: `data:image/svg+xml,${encodeURIComponent(logo)}`,
    subscriptionsProtocol: 'WS',
    defaultTabs: exampleTabs,
    shouldPersistHeaders: false,
  });
  const html = rendered
    .replace('<script>', () => `<script>${lastJobScript}${socketScript}</script><script>`)
    .replace('<div id="root">', `${connectionNotice}${docsLink}$&`)
    .replace('</head>', `${style}</head>`);
  const plain = Buffer.from(html);
  return { etag: `"${sha256(html)}"`, plain, zipped: await promisify(gzip)(plain), policy: contentPolicy(html) };
}

/** Serves GraphiQL with all that it needs in one page: nothing is loaded from anywhere else. */
export function createGraphiqlPage() {
  let page: Promise<Page> | undefined;

  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    page ??= render();
    const { etag, plain, zipped, policy } = await page;
    res.setHeader('ETag', etag);
    res.setHeader('Cache-Control', 'no-cache');
    res.setHeader('Vary', 'Accept, Accept-Encoding');
    res.setHeader('Content-Security-Policy', policy);
    res.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    if (req.headers['if-none-match'] === etag) {
      res.writeHead(304).end();
      return;
    }
    const zips = (req.headers['accept-encoding'] ?? '').includes('gzip');
    if (zips) res.setHeader('Content-Encoding', 'gzip');
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.end(zips ? zipped : plain);
  };
}
