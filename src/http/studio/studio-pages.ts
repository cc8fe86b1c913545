import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isFresh } from '../files/conditional-request.ts';
import { HttpFault } from '../reply.ts';
import { chooseEncoding, readStudio, STUDIO_FOLDER, type StudioFile } from './studio-files.ts';

/** Below it lie the files of the studio, whose names hold a hash of what is in them. */
const FILES_PATH = '/studio/';

/** The addresses of its pages, which are one file: its script shows the page of the address. */
const PAGES = /^\/(?:$|(?:make|gallery)(?:\/[^/]*)?$|(?:now|servers|account)$)/;

const NOT_BUILT = `<!doctype html><html lang="en"><head><meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" /><meta name="color-scheme" content="light dark" />
<title>comfygate</title></head><body><h1>The studio was not built</h1>
<p>This gateway works, and its API is at <a href="/graphql">/graphql</a>. Its pages are made by
<code>npm run build:studio</code>, which <code>npm start</code> does by itself.</p></body></html>`;

export interface StudioOptions {
  /** Addresses from whose origins results come, and to which files are put: PUBLIC_URL, that of S3. */
  origins: readonly string[];
  /** Whether the gateway shows GraphiQL and the documentation; then the studio links them. */
  tools: boolean;
  /** Where the studio was built to. */
  folder?: string;
}

/** Scripts and styles are files of its own; nothing else runs. Results are shown from where they are stored. */
function contentPolicy(origins: readonly string[]): string {
  const others = [...new Set(origins.map((url) => new URL(url).origin))].map((origin) => ` ${origin}`).join('');
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' blob: data:${others}`,
    `media-src 'self' blob: data:${others}`,
    `connect-src 'self'${others}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function unlinked(page: StudioFile): StudioFile {
  const plain = Buffer.from(page.plain.toString().replace('<html ', '<html data-tools="off" '));
  const etag = `"${createHash('sha256').update(plain).digest('base64url')}"`;
  return { ...page, plain, etag, encoded: new Map() };
}

/**
 * Serves the studio, the pages for people, at `/` and the addresses of its pages. Its files are read when they are
 * first asked for, and kept.
 */
export function createStudioPages({ origins, tools, folder = STUDIO_FOLDER }: StudioOptions) {
  const policy = contentPolicy(origins);
  let files: ReadonlyMap<string, StudioFile> | null = null;
  let page: StudioFile | undefined;

  return async (path: string, req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const isFile = path.startsWith(FILES_PATH);
    if (!isFile && !(PAGES.test(path) && acceptsPages(req))) return false;
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      throw new HttpFault(405, 'BAD_REQUEST', 'Pages are asked for by GET.', { Allow: 'GET, HEAD' });
    }
    files ??= await readStudio(folder);
    const index = files?.get('index.html');
    page ??= index && (tools ? index : unlinked(index));
    res.setHeader('Content-Security-Policy', policy);
    const name = path.slice(FILES_PATH.length);
    const file = isFile ? (name === 'index.html' ? undefined : files?.get(name)) : page;
    if (file) {
      // With a name that holds a hash a file never changes; a page names the files of its version.
      send(file, isFile ? 'public, max-age=31536000, immutable' : 'no-cache', req, res);
    } else if (isFile) {
      throw new HttpFault(404, 'NOT_FOUND', 'There is no such file: the studio was built anew. Load its page again.');
    } else {
      res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
      res.end(req.method === 'HEAD' ? undefined : NOT_BUILT);
    }
    return true;
  };
}

const acceptsPages = ({ headers }: IncomingMessage) => (headers.accept ?? '').includes('text/html');

function send(file: StudioFile, cacheControl: string, req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('ETag', file.etag);
  res.setHeader('Cache-Control', cacheControl);
  res.setHeader('Vary', 'Accept, Accept-Encoding');
  res.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  if (isFresh(req, { ETag: file.etag })) {
    res.writeHead(304).end();
    return;
  }
  const encoding = chooseEncoding(file, String(req.headers['accept-encoding'] ?? ''));
  const bytes = (encoding && file.encoded.get(encoding)) || file.plain;
  if (encoding) res.setHeader('Content-Encoding', encoding);
  res.setHeader('Content-Type', file.type);
  res.setHeader('Content-Length', bytes.length);
  res.end(req.method === 'HEAD' ? undefined : bytes);
}
