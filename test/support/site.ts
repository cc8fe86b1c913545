import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { build, defaultClientConditions } from 'vite';
import { listen } from '../../src/http/listen.ts';
import type { Lifetime } from './product.ts';

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };
const INDEX = '<div id="root"></div><script type="module" src="/src/main.tsx"></script>';
const CONFIG = 'vite.config.ts';

/** A server of pages, at an origin of its own. */
export interface Site {
  origin: string;
  /** Gives the files of this folder from now on. */
  show(folder: string): void;
}

/** `answer`: what the server does besides; true where it has answered. */
export async function openSite(
  lifetime: Lifetime,
  answer: (req: IncomingMessage, res: ServerResponse) => boolean = () => false,
): Promise<Site> {
  let shown = '';
  const server = createServer(async (req, res) => {
    if (answer(req, res)) return;
    const path = req.url === '/' ? '/index.html' : (req.url ?? '');
    res.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
    res.setHeader('cache-control', 'no-store');
    res.end(await readFile(join(shown, path)).catch(() => ''));
  });
  const { url: origin } = await listen(server, { host: '127.0.0.1', port: 0 });
  lifetime.onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    origin,
    show(folder) {
      shown = folder;
    },
  };
}

/** The app of this folder as a browser gets it, in the folder that it gives back: built, where there is anything to. */
export async function buildApp(app: string): Promise<string> {
  if (!existsSync(join(app, 'src/main.ts')) && !existsSync(join(app, 'src/main.tsx'))) return app;
  if (!existsSync(join(app, 'index.html'))) await writeFile(join(app, 'index.html'), INDEX);
  const configFile = existsSync(join(app, CONFIG)) && join(app, CONFIG);
  // The client as it is, not as it was packed last.
  const resolve = { conditions: ['comfygate-source', ...defaultClientConditions] };
  await build({ root: app, configFile, resolve, logLevel: 'error' });
  return join(app, 'dist');
}
