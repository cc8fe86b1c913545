import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

/** The gateway that the development server (`npx vite studio`) works with. */
const gateway = process.env.GATEWAY ?? 'http://127.0.0.1:4000';

/** Of a connection to the development server, so that the gateway takes its pages for its own. */
const toGateway = { target: gateway, changeOrigin: true, ws: true, headers: { origin: gateway } };

export default defineConfig({
  root: import.meta.dirname,
  // The gateway serves index.html at the addresses of pages, and all else below this.
  base: '/studio/',
  plugins: [react()],
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
