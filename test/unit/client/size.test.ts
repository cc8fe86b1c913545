import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

const core = join(import.meta.dirname, '..', '..', '..', 'client', 'src', 'comfy.ts');

/** Bytes of what a page loads for `import { createComfy }`, minified and gzipped. */
async function sizeOf(external: string[]): Promise<number> {
  const entry = 'page';
  const bundle = await rolldown({
    input: entry,
    platform: 'browser',
    external,
    plugins: [
      {
        name: 'a page',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? `import { createComfy } from ${JSON.stringify(core)}; createComfy();` : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  return gzipSync(output[0].code, { level: 9 }).length;
}

test('the core is at most 8 KB, and with graphql-ws 11 KB', async () => {
  expect(await sizeOf(['graphql-ws/client'])).toBeLessThanOrEqual(8_000);
  expect(await sizeOf([])).toBeLessThanOrEqual(11_000);
});
