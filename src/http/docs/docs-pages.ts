import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HttpFault } from '../reply.ts';

export const DOCS_PATH = '/docs';

const root = new URL('../../../', import.meta.url);

const style = `
  :root { color-scheme: light dark; }
  body { max-width: 50rem; margin: 0 auto; padding: 1rem; font: 16px/1.55 system-ui, sans-serif; }
  pre, table { overflow-x: auto; display: block; max-width: 100%; }
  pre, code { font-family: ui-monospace, monospace; font-size: 0.9em; background: #8881; border-radius: 4px; }
  pre { padding: 0.8rem; } pre code { background: none; font-size: 1em; } code { padding: 0.1em 0.3em; }
  td, th { padding: 0.3rem 0.6rem; border: 1px solid #8886; vertical-align: top; text-align: left; }
  img { max-width: 100%; } a { color: #c2185b; } @media (prefers-color-scheme: dark) { a { color: #ff7ab0; } }
`;
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = {
  '.md': 'text/html; charset=utf-8',
  '.png': 'image/png',
  '.ts': 'text/plain; charset=utf-8',
  '.graphql': 'text/plain; charset=utf-8',
  '.example': 'text/plain; charset=utf-8',
};

const START_PAGE = 'docs/README.md';

/** What pages link of the files beside docs/. */
const BESIDE = new Set(['CHANGELOG.md', 'schema.graphql', '.env.example']);

/**
 * The file of the product that an address below DOCS_PATH shows: the first page at the path itself, another page of
 * docs/ by its name, pictures of docs/, the examples and a few files beside them by theirs. Null for anything else.
 */
export function fileAt(path: string): string | null {
  if (path === DOCS_PATH || path === `${DOCS_PATH}/`) return START_PAGE;
  const name = path.slice(DOCS_PATH.length + 1);
  if (/^[a-z0-9-]+$/.test(name)) return `docs/${name}.md`;
  if (/^[a-z0-9-]+\.png$/.test(name)) return `docs/${name}`;
  return BESIDE.has(name) || /^examples(?:\/[a-z0-9-]+)+\.(?:ts|graphql)$/.test(name) ? name : null;
}

/** Where a link in a file leads to, at the gateway or elsewhere; null for files that are in a checkout only. */
export function addressOf(link: string, file: string): string | null {
  if (/^https?:/.test(link) || link.startsWith('#')) return link;
  const [path = '', anchor] = link.split('#', 2);
  const target = posix.join(posix.dirname(file), path);
  const page = /^docs\/([a-z0-9-]+)\.md$/.exec(target)?.[1];
  const served = target === START_PAGE ? DOCS_PATH : `${DOCS_PATH}/${page ?? target.replace(/^docs\//, '')}`;
  if (fileAt(served) !== target) return null;
  return anchor === undefined ? served : `${served}#${anchor}`;
}

async function load(file: string): Promise<{ bytes: Buffer; etag: string } | null> {
  const bytes = await readFile(fileURLToPath(new URL(file, root))).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (bytes === null) return null;
  const shown = file.endsWith('.md') ? Buffer.from(await pageOf(bytes.toString(), file)) : bytes;
  return { bytes: shown, etag: `"${createHash('sha256').update(shown).digest('base64url')}"` };
}

/**
 * The HTML of a page, whole.
 * @param file its path in the product, from which its links go out
 * @param place where a served address is instead, in a copy for another server
 */
export async function pageOf(markdown: string, file: string, place = (address: string) => address): Promise<string> {
  // Most gateways never show one.
  const { renderPage } = await import('./render-page.ts');
  const { title, body } = renderPage(markdown, (link) => {
    const address = addressOf(link, file);
    return address?.startsWith(DOCS_PATH) ? place(address) : address;
  });
  const start = file === START_PAGE ? '' : `<p><a href="${place(DOCS_PATH)}">All pages</a></p>`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>${title.replace(/[&<]/g, '')}</title><style>${style}</style></head><body>${start}${body}</body></html>`;
}

/**
 * Serves the documentation of this very version: docs/ and examples/, which need no network. A file is read when it is
 * first asked for, and kept.
 */
export function createDocsPages() {
  const files = new Map<string, ReturnType<typeof load>>();

  return async (path: string, req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    if (path !== DOCS_PATH && !path.startsWith(`${DOCS_PATH}/`)) return false;
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      throw new HttpFault(405, 'BAD_REQUEST', 'Pages are asked for by GET.', { Allow: 'GET, HEAD' });
    }
    const file = fileAt(path);
    const loading = file === null ? null : (files.get(file) ?? load(file));
    const loaded = await loading;
    if (file === null || !loading || !loaded) {
      throw new HttpFault(404, 'NOT_FOUND', `There is no such page: ${DOCS_PATH} lists them.`);
    }
    // Only what there is, so that no client can fill it.
    files.set(file, loading);
    res.setHeader('ETag', loaded.etag);
    res.setHeader('Cache-Control', 'no-cache');
    res.setHeader('Content-Security-Policy', policy);
    res.setHeader('Referrer-Policy', 'no-referrer');
    if (req.headers['if-none-match'] === loaded.etag) {
      res.writeHead(304).end();
      return true;
    }
    res.setHeader('Content-Type', types[posix.extname(file)] ?? 'application/octet-stream');
    res.setHeader('Content-Length', loaded.bytes.length);
    res.end(req.method === 'HEAD' ? undefined : loaded.bytes);
    return true;
  };
}
