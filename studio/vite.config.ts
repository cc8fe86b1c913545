import { createHash } from 'node:crypto';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';
import * as client from '../client/src/documents.ts';
import * as studio from './src/code/documents.ts';
import { oneLine } from './src/code/operation.ts';

/** The gateway that the development server (`npx vite studio`) works with. */
const gateway = process.env.GATEWAY ?? 'http://127.0.0.1:4000';

/** Of a connection to the development server, so that the gateway takes its pages for its own. */
const toGateway = { target: gateway, changeOrigin: true, ws: true, headers: { origin: gateway } };

/** Lists what the studio sends and what *as code* shows, for gateways that execute listed documents only. */
function listDocuments(): Plugin {
  const own = Object.values(studio);
  const documents = [...Object.values(client), ...own, ...own.map(oneLine)];
  const list = documents.map((text) => [createHash('sha256').update(text).digest('hex'), text]);
  const source = JSON.stringify(Object.fromEntries(list));
  return {
    name: 'documents',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'documents.json', source });
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  // The gateway serves index.html at the addresses of pages, and all else below this.
  base: '/studio/',
  plugins: [react(), listDocuments()],
  // The client library as it is in this checkout.
  resolve: { conditions: ['comfygate-source', ...defaultClientConditions] },
  build: {
    outDir: 'dist',
    assetsDir: '',
    emptyOutDir: true,
    // What it is built of may be given away with these texts alone.
    license: { fileName: 'licenses.md' },
    // An address with data in it is no file, and its Content-Security-Policy would have to allow that.
    assetsInlineLimit: 0,
    target: 'es2023',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(['/graphql', '/artifacts', '/docs'].map((path) => [path, toGateway])),
  },
});
